"""A trained network, its metrics and its curves: `rcnnzoo train`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from rcnnzoo.analysis.intervals import mean_of_seeds
from rcnnzoo.data.opening import Data
from rcnnzoo.devices import PRECISION
from rcnnzoo.errors import RcnnzooWarning, reason
from rcnnzoo.figures.curves import draw_curves
from rcnnzoo.results.result import Result, interval, or_none, percent
from rcnnzoo.results.saving import save_figure
from rcnnzoo.runs.folder import Run
from rcnnzoo.training.loop import train as train_network
from rcnnzoo.training.session import Session
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.watchers import Watcher
from rcnnzoo.weights.files import read_header
from rcnnzoo.writing import FIGURE_FORMATS

CURVES = "curves"


class Curves(Watcher):
    """Draws loss and accuracy by epoch when training stops or ends."""

    def __init__(self, formats: Sequence[str]) -> None:
        self.formats = formats

    def stops(self, session: Session, error: BaseException) -> None:
        """Draw the epochs that were finished."""
        if session.state.rows:
            self.ends(session)

    def ends(self, session: Session) -> None:
        """Draw all epochs."""
        draw = partial(draw_curves, pd.DataFrame(session.state.rows))
        save_figure(draw, session.run.folder / CURVES, self.formats)


def train(
    settings: Settings,
    data: Data,
    folder: Path,
    *,
    resume: bool = False,
    formats: Sequence[str] | None = None,
) -> Result:
    """Train a network in a folder, which then holds its weights, metrics and curves.

    Args:
        settings: Of the run.
        data: What it trains on.
        folder: Of the run.
        resume: Whether to continue a run that is there.
        formats: Of the figure: some of `png`, `svg` and `pdf`; the first two unless given.

    Raises:
        TrainingError: The folder is taken, the run was started with other settings, or the loss is not a number.
        DataError: Too many images can't be read.
        KeyboardInterrupt: Somebody stopped it; a checkpoint was written.
    """
    run = train_network(settings, data, folder, resume=resume, watchers=[Curves(formats or FIGURE_FORMATS)])
    return trained(run)


def members_trained(folder: Path, runs: Mapping[int, Run]) -> Result:
    """What finished runs that differ in their seed came to, with mean and interval over seeds at each step."""
    results = {seed: trained(run) for seed, run in runs.items()}
    document: dict[str, Any] = {
        "members": {str(seed): result.document for seed, result in results.items()},
        "folder": str(folder),
    }
    measured = {seed: result.document["metrics"] for seed, result in results.items()}
    tables = []
    if all(measured.values()):
        rows, over = [], []
        for step, shares in enumerate(zip(*(metrics["accuracy"] for metrics in measured.values()), strict=True), 1):
            mean, low, high = mean_of_seeds(shares)
            over.append(or_none({"step": step, "mean": mean, "low": low, "high": high}))
            each = {f"seed {seed}": percent(share) for seed, share in zip(measured, shares, strict=True)}
            between = {"95 % interval": interval(low, high)} if len(shares) > 1 else {}
            rows.append({"step": step, **each, "mean": percent(mean), **between})
        document["accuracy"] = over
        first = next(iter(measured.values()))
        title = f"top-1 % on {first['data']} {first['split']}, {first['images']:,} images, {first['readout']} readout"
        tables = [(title, rows)]
    return Result(document, tables, notes=[str(run.weights) for run in runs.values()])


def trained(run: Run) -> Result:
    """What a finished run came to: the last row of its metrics, and accuracy on the test images."""
    content, _ = read_header(run.weights)
    metrics = content.get("metrics")
    document = {"run": str(run.folder), "last_epoch": _last_epoch(run.metrics), "metrics": metrics}
    tables = []
    if metrics is not None:
        precision = f", {metrics['precision']}" if metrics.get("precision", PRECISION) != PRECISION else ""
        rows = [{"step": step, "top-1 %": percent(share)} for step, share in enumerate(metrics["accuracy"], 1)]
        where = f"{metrics['data']} {metrics['split']}, {metrics['images']:,} images"
        tables = [(f"{where}, {metrics['readout']} readout{precision}", rows)]
    return Result(document, tables, notes=[str(run.weights)])


def _last_epoch(file: Path) -> dict[Any, Any] | None:
    """The last row of a run's metrics; a warning says why there is none."""
    try:
        return pd.read_csv(file).to_dict("records")[-1]
    except (OSError, ValueError, IndexError) as error:  # the run is finished all the same
        warnings.warn(f"{file}: can't be read, so the last epoch isn't known ({reason(error)})", RcnnzooWarning, 2)
        return None
