"""A run's folder: what lies where, and writing it whole."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from rcnnzoo.errors import TrainingError
from rcnnzoo.weights.files import read_header
from rcnnzoo.writing import whole

DAMAGED = "damaged, or of another version; remove it, and --resume starts afresh"


def newest_run(folder: Path) -> Path:
    """The run under a folder that was finished last.

    Raises:
        TrainingError: There is none.
    """
    finished = [weights.parent for weights in folder.glob("*/model.safetensors")]
    if not finished:
        raise TrainingError(
            f"{folder}: holds no finished run; train one, or name a run, a .safetensors file or a trace"
        )
    return max(finished, key=lambda run: (run / "model.safetensors").stat().st_mtime_ns)


class Run:
    """A folder with `config.toml`, `model.safetensors`, `metrics.csv`, `curves.*`, `checkpoint.pt` and `log.txt`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "config.toml"
        self.weights = folder / "model.safetensors"
        self.metrics = folder / "metrics.csv"
        self.curves = folder / "curves"
        self.checkpoint = folder / "checkpoint.pt"
        self.log = folder / "log.txt"

    @property
    def finished(self) -> bool:
        """Whether training has ended: its weights are written last."""
        return self.weights.is_file()

    def summary(self) -> dict[str, Any]:
        """What a finished run came to: where it lies, the last row of its metrics, accuracy on the test images."""
        metadata, _ = read_header(self.weights)
        state = self.load_checkpoint()
        last = state["rows"][-1] if state and state.get("rows") else None
        return {"run": str(self.folder), "last_epoch": last, "metrics": metadata.get("metrics")}

    def check_free(self, resume: bool) -> None:
        """Refuse a folder that isn't ours, or a run that nobody asked to go on with.

        Raises:
            TrainingError: The folder can't become this run.
        """
        if self.settings.is_file():
            if not resume:
                raise TrainingError(
                    f"{self.folder}: holds a run already; --resume goes on with it, --out takes another"
                )
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise TrainingError(f"{self.folder}: exists and is no run; give another --out")

    def discard(self) -> None:
        """Take away what a run wrote before its first update."""
        for file in (self.settings, self.checkpoint, self.log):
            file.unlink(missing_ok=True)
        self.folder.rmdir()

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Write everything that training goes on from."""
        # torch.save to a file turns a full disk into a RuntimeError without a name; bytes keep it an OSError.
        content = io.BytesIO()
        torch.save(state, content)
        with whole(self.checkpoint) as temporary:
            temporary.write_bytes(content.getbuffer())

    def load_checkpoint(self) -> dict[str, Any] | None:
        """The last checkpoint, if there is one; only tensors and plain values are read from it.

        Raises:
            TrainingError: It is damaged.
        """
        if not self.checkpoint.is_file():
            return None
        try:
            with zipfile.ZipFile(self.checkpoint) as archive:
                damaged = archive.testzip()  # torch.load doesn't look at the checksums
            state: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file fails in many ways
            raise TrainingError(f"{self.checkpoint}: {DAMAGED}") from error
        if damaged is not None or not isinstance(state, dict):
            raise TrainingError(f"{self.checkpoint}: {DAMAGED}")
        return state

    def write_metrics(self, rows: list[dict[str, Any]]) -> None:
        """A row an epoch."""
        with whole(self.metrics) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False)

    @contextmanager
    def logging(self) -> Iterator[logging.Logger]:
        """A logger that appends to the run's `log.txt`."""
        logger = logging.getLogger(f"rcnnzoo.run.{id(self)}")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        handler = logging.FileHandler(self.log)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        try:
            yield logger
        finally:
            logger.removeHandler(handler)
            handler.close()
