"""Long work in parts, on all processors, with progress, and left promptly on Ctrl-C."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Result = TypeVar("Result")
Advance = Callable[[int], None] | None
"""Is told how many more things are done."""


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


PART = 16
"""Rearrangements at a time: a part is what Ctrl-C waits for."""


def in_parts(work: Callable[[slice], Result], number: int, advance: Advance = None, part: int = PART) -> list[Result]:
    """What `work` makes of each part of `number` things, in order; threads share the parts (compiled loops run free).

    >>> in_parts(lambda part: list(range(part.start, part.stop)), 5, part=2)
    [[0, 1], [2, 3], [4]]
    """
    parts = [slice(start, min(start + part, number)) for start in range(0, number, part)]
    with ThreadPoolExecutor(max_workers=max(1, min(len(parts), processors()))) as pool:
        futures = {pool.submit(work, part): part for part in parts}
        try:
            for future in as_completed(futures):
                future.result()
                if advance is not None:
                    advance(futures[future].stop - futures[future].start)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]
