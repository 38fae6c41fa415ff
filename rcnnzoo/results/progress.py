"""How far a run has come, from its files alone: `rcnnzoo watch`."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rcnnzoo.errors import TrainingError, reason
from rcnnzoo.figures.terminal import curves_as_text
from rcnnzoo.results.result import or_none
from rcnnzoo.runs.folder import Run
from rcnnzoo.text import counted, visible
from rcnnzoo.training.settings import read_settings

END = 4096
"""Bytes at the end of a log among which its last line is looked for."""


@dataclass(frozen=True)
class Standing:
    """How far a run has come.

    Attributes:
        run: The run.
        epochs: Those that it is to have.
        table: One row of metrics for each finished epoch.
        last_line: Of its log; empty if there is none.
        seconds: Since that was written.
    """

    run: Run
    epochs: int
    table: pd.DataFrame
    last_line: str
    seconds: float

    def words(self) -> str:
        """In one line, or two with the log's last one."""
        state = "finished" if self.run.finished else "not finished"
        lines = [f"{self.run.folder}: {len(self.table)} of {counted(self.epochs, 'epoch')}, {state}"]
        if self.last_line:
            lines.append(f"{_ago(self.seconds)}: {visible(self.last_line)}")
        return "\n".join(lines)

    def drawn(self, width: int, height: int, *, coloured: bool) -> str:
        """The same with the curves above it, in that many columns and lines; control characters give them colours."""
        if self.table.empty:
            return f"no epoch is finished yet\n{self.words()}"
        lines = height - 1 - len(self.words().splitlines())
        return f"{curves_as_text(self.table, width, lines, coloured=coloured)}\n{self.words()}"

    def document(self) -> dict[str, Any]:
        """For programs."""
        rows = self.table.to_dict("records")
        return {
            "run": str(self.run.folder),
            "finished": self.run.finished,
            "epochs": self.epochs,
            "epochs_done": len(rows),
            "last_epoch": or_none(rows[-1]) if rows else None,
            "log": self.last_line or None,
        }


def standing(folder: Path) -> Standing:
    """How far the run in a folder has come; nothing is locked or written.

    Raises:
        TrainingError: It is not a run folder, or its metrics can't be read.
        OptionError: Its settings can't be read.
    """
    run = Run(folder)
    if not run.settings.is_file():
        raise TrainingError(f"{folder}: is not a run folder, it has no {run.settings.name}")
    table = pd.DataFrame()
    try:
        table = pd.read_csv(run.metrics)
    except FileNotFoundError:
        pass  # no epoch is finished yet
    except (OSError, ValueError) as error:
        raise TrainingError(f"{run.metrics}: can't be read ({reason(error)})") from error
    line, seconds = _end_of_log(run.log)
    return Standing(run, int(read_settings(run.settings).get("epochs", 0)), table, line, seconds)


def _end_of_log(file: Path) -> tuple[str, float]:
    """Its last line, and how long ago it was written."""
    try:
        with file.open("rb") as content:
            content.seek(max(0, os.fstat(content.fileno()).st_size - END))
            lines = content.read().decode("utf-8", "replace").splitlines()
            return (lines[-1] if lines else ""), time.time() - os.fstat(content.fileno()).st_mtime
    except OSError:  # none yet
        return "", 0.0


def _ago(seconds: float) -> str:
    """How long ago, in words; clocks of two machines may differ a little."""
    if seconds < 60:
        return f"{max(0, round(seconds))} s ago"
    return f"{round(seconds / 60):,} min ago"
