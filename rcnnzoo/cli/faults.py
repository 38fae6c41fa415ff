"""What went wrong, in one line of plain text on standard error, and the exit status that goes with it."""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import typer

from rcnnzoo import plugins
from rcnnzoo.cli.statuses import INPUT, INTERRUPTED, OURS, PIPE_CLOSED, PREEMPTED
from rcnnzoo.errors import RcnnzooError, RcnnzooWarning, WorkerKilled
from rcnnzoo.text import clipped, visible
from rcnnzoo.training.interruption import Preempted

OUT_OF_MEMORY = ("allocate memory", "failed to map segment", "can't start new thread")
"""The words of torch, the system's loader and Python for this."""
LONGEST = 1500
"""Characters of a line: what was typed can have thousands, and the reason comes after it."""


def report(error: BaseException, options: Mapping[str, str], *, debug: bool) -> int:
    """Say what happened on standard error; the exit status.

    Args:
        error: What was raised.
        options: What a field of the command that raised it is called on the command line.
        debug: Whether to show the traceback.
    """
    if isinstance(error, BrokenPipeError):
        # The reader has closed the pipe (`| head`). Buffered output must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    if debug:
        traceback.print_exception(error)
    if isinstance(error, RuntimeError) and WorkerKilled.SIGN in str(error):
        error = WorkerKilled()
    status, message = explain(error)
    _say(with_options(message, options) if isinstance(error, RcnnzooError) else message)
    return status


def with_options(message: str, options: Mapping[str, str]) -> str:
    """A message in which the fields that it names, in backticks, are options; a command in backticks stays.

    >>> with_options("`image_size` 1 is too small for `rows` (`rcnnzoo info`)", {"image_size": "--image-size"})
    '--image-size 1 is too small for rows (`rcnnzoo info`)'
    """
    return re.sub(r"`(\w+)`", lambda found: options.get(found[1], found[1]), message)


def explain(error: BaseException) -> tuple[int, str]:
    """The exit status of an error, and what to say about it.

    >>> explain(RcnnzooError("no such thing"))
    (2, 'error: no such thing')
    """
    match error:
        case RcnnzooError():
            return INPUT, f"error: {error}"
        case typer.TyperException():
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "rcnnzoo"
            return INPUT, f"error: {error.format_message().rstrip('.')} (see `{command} --help`)"
        case Preempted():
            return PREEMPTED, str(error)
        case KeyboardInterrupt() | typer.Abort():
            return INTERRUPTED, str(error) or "interrupted"
        case _ if _is_memory(error):
            return INPUT, (
                "error: not enough memory: take a smaller --batch-size, --width or --image-size, fewer --workers or "
                "--threads, or a higher limit (`ulimit -v`); in training --accumulate or --checkpoint-activations"
            )
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return INPUT, "error: too many open files: raise the limit (`ulimit -n 4096`), or take fewer --workers"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            where = f" at {error.filename}" if error.filename else ""
            return INPUT, f"error: disk full{where}: make room or write elsewhere"
        case OSError(errno=errno.EACCES | errno.EROFS | errno.EPERM, filename=str() | os.PathLike() as name):
            return INPUT, f"error: {os.fspath(name)}: {error.strerror}: write elsewhere (`--out`)"
        case OSError(filename=str() | os.PathLike() as name):
            return INPUT, f"error: {os.fspath(name)}: {error.strerror or error}"
        case _:
            fault = f"{type(error).__name__}: {error}"
            culprit = plugins.culprit(error)
            if culprit is not None:
                advice = f"{culprit.place}; `rcnnzoo check-plugin {culprit.package}` may say more"
                return INPUT, f"error: a fault of the plugin {culprit.package}: {fault} ({advice})"
            return OURS, f"error: a fault of rcnnzoo's, please report it: {fault} (`rcnnzoo --debug ...` shows where)"


def _is_memory(error: BaseException) -> bool:
    """Torch has its own error class for GPUs, but only a message for processors."""
    named = type(error).__name__ in ("MemoryError", "OutOfMemoryError")
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return named or any(words in str(error) for words in OUT_OF_MEMORY)


@contextmanager
def warnings_in_one_line(options: Mapping[str, str]) -> Iterator[None]:
    """While it lasts, warnings, and what other libraries log as such, are one line each, said once.

    Args:
        options: As for `report`; filled once the command is known.
    """
    said: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        ours = issubclass(category, RcnnzooWarning)
        say(with_options(f"warning: {message}", options) if ours else f"warning: {message} ({_library(filename)})")

    def say(text: str) -> None:
        if text not in said:
            said.add(text)
            _say(text)

    logged = _Logged(say)
    logging.getLogger().addHandler(logged)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    finally:
        logging.getLogger().removeHandler(logged)


class _Logged(logging.Handler):
    """Says what libraries log, from warnings upwards."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self.say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        self.say(f"warning: {record.getMessage()} ({record.name.partition('.')[0]})")


def _library(file: str) -> str:
    """The package that a module's file belongs to."""
    parts = Path(file).parts
    return parts[parts.index("site-packages") + 1] if "site-packages" in parts else Path(file).stem


def _say(message: str) -> None:
    print(clipped(visible(" ".join(message.split())), LONGEST, " ... "), file=sys.stderr)  # noqa: T201
