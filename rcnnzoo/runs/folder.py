"""A run's folder and the files in it."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rcnnzoo.errors import BusyError, TrainingError
from rcnnzoo.locks import LOCK, locked
from rcnnzoo.runs.checkpoints import previous
from rcnnzoo.writing import WEIGHTS, remove_unfinished

SETTINGS = "config.toml"
RUNS = "runs"
"""The default folder for runs."""
MEMBER = r"seed(\d{1,9})"
"""The folder of one run of several seeds, in the folder of all."""


def is_member(run: Path) -> bool:
    """Whether a run is one of several in a folder, by its name.

    >>> is_member(Path("bl/seed0")), is_member(Path("bl-seed0"))
    (True, False)
    """
    return re.fullmatch(MEMBER, run.name) is not None


def newest_run(folder: Path) -> Path:
    """The run under a folder that was finished last; of one of several seeds, their folder.

    Raises:
        TrainingError: There is none.
    """
    finished = [weights.parent for weights in folder.glob(f"*/{WEIGHTS}")]
    finished += [weights.parent for weights in folder.glob(f"*/seed*/{WEIGHTS}") if is_member(weights.parent)]
    if not finished:
        raise TrainingError(
            f"{folder}: holds no finished run; train one, or name a run, a .safetensors file or a trace"
        )
    newest = max(finished, key=lambda run: (run / WEIGHTS).stat().st_mtime_ns)
    return newest.parent if newest.parent != folder else newest


class Run:
    """A folder with `config.toml`, `model.safetensors`, `metrics.csv`, `curves.*`, two checkpoints and `log.txt`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / SETTINGS
        self.weights = folder / WEIGHTS
        self.metrics = folder / "metrics.csv"
        self.checkpoint = folder / "checkpoint.pt"
        self.previous_checkpoint = previous(self.checkpoint)
        self.log = folder / "log.txt"

    @property
    def finished(self) -> bool:
        """Whether training has ended: its weights are written last."""
        return self.weights.is_file()

    @property
    def checkpoints(self) -> list[Path]:
        """The checkpoints that it has, the last one first."""
        return [file for file in (self.checkpoint, self.previous_checkpoint) if file.is_file()]

    def epochs_done(self) -> int:
        """How many epochs were finished: rows of its metrics."""
        try:
            with self.metrics.open(newline="", encoding="utf-8") as lines:
                return sum(1 for _ in csv.DictReader(lines))
        except (OSError, ValueError, csv.Error):  # none yet, or the file is damaged
            return 0

    @property
    def is_busy(self) -> bool:
        """Whether another process is training in it."""
        if not (self.folder / LOCK).exists():
            return False
        try:
            with self.locked():
                return False
        except BusyError:
            return True

    @property
    def how_to_resume(self) -> str:
        """The command that resumes the run, for messages."""
        return f"resume with `rcnnzoo train --config {self.settings} --out {self.folder} --resume`"

    def check_free(self, resume: bool) -> None:
        """Refuse a folder that is not a run, or a run that was not to be resumed.

        Raises:
            TrainingError: The folder can't become this run.
        """
        if self.settings.is_file():
            if not resume:
                raise TrainingError(
                    f"{self.folder}: already holds a run: resume it (`resume`), or give another folder (`out`)"
                )
        elif self.folder.exists() and not self._is_empty():
            raise TrainingError(f"{self.folder}: exists and is not a run folder; give another folder (`out`)")
        written = (self.settings, self.weights, self.metrics, self.checkpoint, self.previous_checkpoint, self.log)
        for file in written:
            if file.is_symlink():
                raise TrainingError(f"{file}: is a link, and a run is not written through links: remove it")

    def _is_empty(self) -> bool:
        """Whether it is a folder that holds nothing, or only what a killed process left."""
        return self.folder.is_dir() and all(entry.name == LOCK for entry in self.folder.iterdir())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While it lasts, no other process trains in the folder; folders that stayed empty are removed.

        Raises:
            BusyError: Another process is training in it.
        """
        made = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with locked(self.folder / LOCK, self.folder, wait=False):
                remove_unfinished(self.folder)
                yield
        finally:
            with suppress(OSError):  # one isn't empty, nor are those above it
                for folder in made:
                    folder.rmdir()

    def discard(self) -> None:
        """Remove what a run wrote before its first update."""
        for file in (self.settings, self.checkpoint, self.previous_checkpoint, self.log):
            file.unlink(missing_ok=True)

    @contextmanager
    def logging(self, is_first: bool) -> Iterator[logging.Logger]:
        """A logger that appends to the run's `log.txt`, in the first process; in others it writes nothing."""
        logger = logging.getLogger(f"rcnnzoo.run.{id(self)}")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        handler = (
            logging.FileHandler(self.log, encoding="utf-8", errors="backslashreplace")
            if is_first
            else logging.NullHandler()
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        try:
            yield logger
        finally:
            logger.removeHandler(handler)
            handler.close()
