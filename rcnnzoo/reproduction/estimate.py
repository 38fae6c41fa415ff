"""How long the training of a recipe's networks will take, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rcnnzoo.data.opening import Data
from rcnnzoo.profiling.summary import summarise
from rcnnzoo.runs.folder import Run
from rcnnzoo.training.planning import Trial
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.starting import new_network


@dataclass(frozen=True)
class Estimate:
    """What one network takes.

    Attributes:
        parameters: Of the network.
        macs: Multiply-accumulates per image, all steps.
        epochs: Of each member.
        done: Epochs that are finished, over all members.
        left: Epochs that are not, over all members.
        seconds: Of an epoch.
        measured: Where that comes from: `finished epochs`, or `a few updates`.
    """

    parameters: int
    macs: int
    epochs: int
    done: int
    left: int
    seconds: float
    measured: str

    @property
    def seconds_left(self) -> float:
        """Of training; 0 if all members are trained."""
        return self.left * self.seconds


def estimate(settings: Settings, data: Data, folders: Iterable[Path]) -> Estimate:
    """What the training of a network's members takes on this machine.

    The time of an epoch is that of epochs that a member has finished, otherwise a few updates are measured.

    Args:
        settings: Of one of the members.
        data: Their images.
        folders: Of the members' runs.

    Raises:
        TrainingError: Memory runs out with two images.
    """
    summary = summarise(new_network(settings, data))
    runs = [Run(folder) for folder in folders]
    done = sum(settings.epochs if run.finished else min(run.epochs_done(), settings.epochs) for run in runs)
    left = len(runs) * settings.epochs - done
    seconds, measured = _seconds_of_finished(runs), "finished epochs"
    if left and not seconds:
        point, measured = Trial(settings, data).points()[-1], "a few updates"
        images = {name: len(split) for name, split in data.splits.items()}
        tested = images.get("val", 0)
        seconds = (images["train"] * point.seconds + tested * point.validation) / point.images
    return Estimate(summary["parameters"], summary["macs"], settings.epochs, done, left, seconds, measured)


def _seconds_of_finished(runs: list[Run]) -> float:
    """Mean time of the epochs that these have finished; 0 if there are none."""
    times: list[float] = []
    for run in runs:
        try:
            times += pd.read_csv(run.metrics)["seconds"].tolist()
        except (OSError, ValueError, KeyError):  # none yet
            continue
    finite = [time for time in times if math.isfinite(time)]
    return sum(finite) / len(finite) if finite else 0.0
