"""What goes into the analysis and what comes out: settings, entries of networks, tables of findings.

Letters of shapes: N images, T time steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from rcnnzoo_behaviour.fitting import Floats

SINCE_ONSET = "reaction_time_since_onset"
STEP_SINCE_ONSET = "step_since_onset"
"""Columns of tables: 1 is the time step at which the image appears; 0 and less are before it does."""


@dataclass(frozen=True)
class Settings:
    """How much is computed.

    Attributes:
        folds: K of each cross-validation.
        repeats: R cross-validations with other folds.
        exchanges: Of two networks' ranks, with thresholds as they are.
        refits: Rearrangements of each permutation test that fits all thresholds anew; 0: no such test.
        bootstraps: Samples of images for each interval; 0: no intervals.
        simulations: Crowds for the ceilings, and halvings of people.
        seed: Of folds, rearrangements, samples and simulations.
        since_onset: Whether to say reaction times since the image's onset as well.
    """

    folds: int = 10
    repeats: int = 10
    exchanges: int = 10_000
    refits: int = 1000
    bootstraps: int = 1000
    simulations: int = 200
    seed: int = 0
    since_onset: bool = False


@dataclass(frozen=True)
class TimeCourses:
    """What a network makes of people's images, step by step.

    Attributes:
        name: What people call the network.
        entropies: Of the accumulated animate/inanimate probabilities, in nats, [N, T].
        probabilities: Accumulated probability of "animate", [N, T].
        right: Share of the images that each step's classifier tells right, [T]; empty if it is not known.
        about: Architecture, options and training data, in words.
        conditions: Under which it was run, in words, if they are not the usual ones.
        onset: The time step, from 1, at which the image is first shown.
    """

    name: str
    entropies: Floats
    probabilities: Floats
    right: Sequence[float] = ()
    about: str = ""
    conditions: Sequence[str] = ()
    onset: int = 1


@dataclass(frozen=True)
class Entry:
    """A row of the tables: a network, or several training seeds of one, whose correlations are averaged.

    Attributes:
        name: What people call it.
        members: What each of its networks makes of the images.
        random: Entropies [N, T] of randomly initialised networks of the same architecture.
    """

    name: str
    members: Sequence[TimeCourses]
    random: Sequence[Floats] = field(default=(), repr=False)

    @property
    def steps(self) -> int:
        """T."""
        return int(self.members[0].entropies.shape[1])


def shared_conditions(entries: Sequence[Entry]) -> Sequence[str]:
    """The conditions that all networks were run under; none if they differ."""
    first, *others = (network.conditions for entry in entries for network in entry.members)
    return first if all(list(other) == list(first) for other in others) else ()


@dataclass(frozen=True)
class Findings:
    """Tables, each written as a CSV of its name; columns say what they hold, and docs/behaviour.md says it at length.

    Attributes:
        correlations: One row per entry, part of the images, what is predicted, and measure.
        comparisons: One row per pair of entries and measure.
        controls: One row per entry and control.
        ceilings: As from `ceilings`.
        crowds: Likewise: people beside the response model's.
        classifiers: One row per network and step.
        beyond: One row per entry and quantity.
        reaction_times: One row per network and image.
        thresholds: One row per network, repeat and fold.
    """

    correlations: pd.DataFrame
    comparisons: pd.DataFrame
    controls: pd.DataFrame
    ceilings: pd.DataFrame
    crowds: pd.DataFrame
    classifiers: pd.DataFrame
    beyond: pd.DataFrame
    reaction_times: pd.DataFrame
    thresholds: pd.DataFrame
