"""What every reader of published weights must do: name its architectures, refuse other files, execute nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from rcnnzoo import plugins
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.checking.rows import Check, Doubt, Fault, Row, run_all
from rcnnzoo.errors import RcnnzooError
from rcnnzoo.hookspecs import Format
from rcnnzoo.plugins import one_line

Reader = Callable[[Path, str], RecurrentModel]


@dataclass(frozen=True)
class Source:
    """A format: its description, and what reads its files."""

    description: Format
    read: Reader


def check_format(name: str) -> Iterator[Row]:
    """One row per check of the format of that name; only the first, where its reader can't be imported."""
    entry = plugins.look_up("formats", name)
    description = cast(Format, entry.member)
    return run_all(f"format {name}", "imported", lambda: Source(description, entry.load()), CHECKS)


def names_architectures(source: Source) -> str:
    """Users choose among architectures that are there."""
    names = source.description.architectures
    if not names:
        raise Fault("its description names no architectures: say which ones its files may be for")
    unknown = [name for name in names if plugins.package_of("architectures", name) is None]
    if unknown:
        raise Fault(f"its architecture {unknown[0]!r} is not registered")
    return ", ".join(names)


def says_what_files_are(source: Source) -> None:
    """Users know which of a publisher's files to fetch, and what they may do with it."""
    missing = [name for name in ("files", "licence") if not getattr(source.description, name)]
    if missing:
        raise Doubt(f"its description lacks {' and '.join(missing)}")


def refuses_other_files(source: Source) -> None:
    """What is missing, or something else, is one of rcnnzoo's errors, which users see in one line."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "notes.txt")
        text.write_text("no weights")
        other, torn = Path(folder, "other.pth"), Path(folder, "torn.pth")
        torch.save({"weight": torch.zeros(())}, other)
        torn.write_bytes(other.read_bytes()[:200])
        for file, what in (
            (Path(folder, "missing"), "a missing file"),
            (text, "a text file"),
            (other, "a torch file with one number in it"),
            (torn, "a torch file that is cut short"),
        ):
            _expect_refusal(source, file, what)


def executes_nothing(source: Source) -> None:
    """A pickle that would create a file when it is opened is refused, and the file isn't there."""
    with tempfile.TemporaryDirectory() as folder:
        trace, file = Path(folder, "executed"), Path(folder, "weights.pth")
        torch.save({"state_dict": _Touch(trace)}, file)
        try:
            _expect_refusal(source, file, "a file with code in it")
        finally:
            if trace.exists():
                raise Fault("it executes code that a file holds: read torch files with rcnnzoo.plugin.read_torch")


class _Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


def _expect_refusal(source: Source, file: Path, what: str) -> None:
    for architecture in source.description.architectures:
        try:
            source.read(file, architecture)
        except RcnnzooError as error:
            if file.name in str(error):
                continue
            raise Fault(f"for {what} its message doesn't name the file: {one_line(error)}") from error
        except Exception as error:
            raise Fault(f"for {what} it raises {one_line(error)}: raise rcnnzoo.plugin.WeightsError") from error
        raise Fault(f"it accepts {what}: raise rcnnzoo.plugin.WeightsError")


CHECKS: dict[str, Check[Source]] = {
    "architectures": names_architectures,
    "description": says_what_files_are,
    "refuses other files": refuses_other_files,
    "executes nothing": executes_nothing,
}
