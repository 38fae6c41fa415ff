"""Several processes that a launcher (`torchrun`, `accelerate launch`) started for one command; light to import."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rcnnzoo.errors import RcnnzooWarning
from rcnnzoo.progress import quiet

MINUTES = 10
PATIENCE = timedelta(minutes=MINUTES)
"""How long processes wait for each other: for one that decodes slowly, or writes a checkpoint."""
LOST = f"another process of this command failed, was killed, or has not answered for {MINUTES} minutes"
EVERY = 0.1
"""Seconds between two looks at what other processes have done."""


def rank() -> int:
    """The number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """How many there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def led_by_the_first() -> Iterator[None]:
    """While it lasts, all processes but the first are silent; errors of any are shown."""
    with quiet(rank() != 0), warnings.catch_warnings():
        if rank() != 0:
            warnings.simplefilter("ignore", RcnnzooWarning)
        yield


def wait_until(is_done: Callable[[], bool], left: Callable[[], object]) -> bool:
    """Wait until the others have done something; whether they did.

    Args:
        is_done: Whether they have.
        left: What they still have to do: while it changes, they are at work.
    """
    since, before = time.monotonic(), None
    while not is_done():
        now = left()
        if now != before:
            since, before = time.monotonic(), now
        elif time.monotonic() - since > PATIENCE.total_seconds():
            return False
        time.sleep(EVERY)
    return True
