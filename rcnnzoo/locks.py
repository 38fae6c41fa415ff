"""One process at a time writes into a folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rcnnzoo.errors import BusyError, RcnnzooWarning

LOCK = ".lock"
"""The lock file of a folder, inside it."""


@contextmanager
def locked(file: Path, folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock file while the block lasts; the system releases it when a process dies.

    Args:
        file: The lock file; it is removed at the end.
        folder: What it guards, for messages.
        wait: Whether to wait for another process that holds it; a warning says so.

    Raises:
        BusyError: Another process holds it, and waiting was not asked for.
    """
    # Each call has its own lock: two threads of a process exclude each other like two processes.
    lock = FileLock(file, is_singleton=False, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if not wait:
            raise BusyError(
                f"{folder}: another process is writing there: wait until it ends, or give another folder (`out`)"
            ) from None
        warnings.warn(f"{folder}: waiting for another process that is writing there", RcnnzooWarning, stacklevel=3)
        lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):  # Windows does not remove open files
            file.unlink()  # before it is released: a process that waits for it notices, and takes a new one
        lock.release()
