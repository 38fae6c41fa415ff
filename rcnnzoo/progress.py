"""Progress of long work, on standard error: a bar in a terminal, otherwise lines, as in a cluster's log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

EVERY = 60.0
"""Seconds between two lines about the same work, where standard error is not a terminal."""
FIRST = 15.0
"""Seconds before the first of them."""

_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)
_CONSOLE: ContextVar[Console | None] = ContextVar("console", default=None)
"""The console of the bar being drawn, so that messages are printed above it."""


@contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """While it lasts, no progress and no messages are shown, if that was asked for."""
    before = _QUIET.set(wanted or _QUIET.get())
    try:
        yield
    finally:
        _QUIET.reset(before)


def say(line: str) -> None:
    """Tell the user how the work is going, in one line on standard error."""
    if _QUIET.get():
        return
    console = _CONSOLE.get()
    if console is None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201
    else:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress(title: str, total: int, done: int = 0, *, announced: bool = True) -> Iterator[Callable[[int], None]]:
    """Show progress while the block lasts; yields a function that advances it by a number.

    Args:
        title: What is being done.
        total: Number of items in all.
        done: Number of items that were done before.
        announced: Whether to say the title at the start, where no bar can be drawn.
    """
    from rich.console import Console

    console = Console(file=sys.stderr)
    if _QUIET.get():
        yield lambda number: None
    elif console.is_terminal:
        with _bar(console, title, total, done) as advance:
            yield advance
    else:
        if announced:
            say(title)
        yield _Lines(title, total, done)


@contextmanager
def _bar(console: Console, title: str, total: int, done: int) -> Iterator[Callable[[int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total, completed=done)
        before = _CONSOLE.set(bar.console)
        try:
            yield lambda number: bar.advance(task, number)
        finally:
            _CONSOLE.reset(before)


class _Lines:
    """Says from time to time how far the work has come, and how long the rest will take at this rate."""

    def __init__(self, title: str, total: int, done: int) -> None:
        self.title, self.total, self.done = title, total, done
        self.begun_with = done
        self.started = time.monotonic()
        self.following = self.started + FIRST

    def __call__(self, number: int) -> None:
        self.done += number
        now = time.monotonic()
        if now > self.following and self.done < self.total:
            self.following = now + EVERY
            left = time_left(now - self.started, self.done - self.begun_with, self.total - self.done)
            say(f"{self.title}: {self.done:,} of {self.total:,}, {left} left")


def time_left(seconds: float, done: int, left: int) -> str:
    """How long the rest takes at the rate so far, in words.

    >>> time_left(60, 10, 20), time_left(10, 10, 5), time_left(3600, 1, 3)
    ('2 min', '5 s', '3 h 0 min')
    """
    rest = round(seconds / max(1, done) * left)
    if rest < 60:
        return f"{rest} s"
    hours, minutes = divmod(round(rest / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
