"""Stopping on Ctrl-C only when everything can be saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")


class Interruption:
    """Whether the user asked to stop."""

    asked = False

    def stopping(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, until the user asks to stop.

        Raises:
            KeyboardInterrupt: The user did.
        """
        for item in items:
            if self.asked:
                raise KeyboardInterrupt
            yield item


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Turn the first SIGINT or SIGTERM (a cluster's) into a request; a second SIGINT stops at once."""
    request = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread receives signals
        return

    def ask(number: int, frame: FrameType | None) -> None:
        request.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
