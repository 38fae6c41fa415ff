"""Stopping on Ctrl-C or a cluster's signal only when everything can be saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Preempted(KeyboardInterrupt):
    """A cluster asked the process to end; the queue may start it again."""


ASKS = {"SIGINT": KeyboardInterrupt, "SIGTERM": Preempted, "SIGUSR1": Preempted}
"""Signals that ask to stop, as far as the system has them, and how the process then ends."""
WAYS = (KeyboardInterrupt, Preempted)
"""These ways to end; of several processes, all take the last that one of them was asked for."""


class Interruption:
    """Whether somebody asked to stop.

    Attributes:
        asked: How training then ends; None while nobody has.
    """

    def __init__(self) -> None:
        self.asked: type[KeyboardInterrupt] | None = None


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Turn the first signal into a request; a second SIGINT stops at once."""
    request = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread receives signals
        return

    def ask(number: int, frame: FrameType | None) -> None:
        request.asked = request.asked or ASKS[signal.Signals(number).name]
        signal.signal(signal.SIGINT, signal.default_int_handler)

    numbers = [getattr(signal, name) for name in ASKS if hasattr(signal, name)]
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
