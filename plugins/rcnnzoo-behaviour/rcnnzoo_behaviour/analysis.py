"""The whole analysis: pure functions of what people did and of networks' entropy time courses.

Letters of shapes: N images, T time steps, R repeats of cross-validation, K folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from rcnnzoo.plugin import progress
from rcnnzoo_behaviour.bootstrap import Interval, bootstrap_interval, bootstrap_ranks, difference
from rcnnzoo_behaviour.ceiling import ceilings, tied_shares
from rcnnzoo_behaviour.controls import beyond
from rcnnzoo_behaviour.correlating import (
    corrected,
    last_entropy,
    padded,
    pearson,
    rank_test,
    standardised_ranks,
    ties,
)
from rcnnzoo_behaviour.entries import SINCE_ONSET, STEP_SINCE_ONSET, Entry, Findings, Settings
from rcnnzoo_behaviour.fitting import Courses, Floats, Integers, Reading, number_of_folds, read, stratified_folds
from rcnnzoo_behaviour.human import LEAST_IMAGES, People
from rcnnzoo_behaviour.permutation import against_zero, exchange_ranks, exchange_refitted
from rcnnzoo_behaviour.reaction_time import area_under, read_graded

COUNTS = ("networks", "folds", "exchanges", "refits", "number")
"""Columns of whole numbers, some of them empty."""
EMPTY = ("spearman", "low", "high", "p")
"""What is empty where there are no reaction times."""
LEAST_TIMES = 3
"""Human reaction times that an image needs for their mean to be predicted."""
NO_TIMES = "not applicable: all reaction times are equal"
"""In place of a test of a network of one step, or one whose images all take equally long."""
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def analyse(
    people: People, entries: Sequence[Entry], statistics: pd.DataFrame, settings: Settings, bar: Bar = progress
) -> Findings:
    """Everything that is computed once entropies are known.

    Args:
        people: What people did.
        entries: Networks on the same images in the same order; the first is compared with each other one.
        statistics: Of the images, `contrast, clutter`.
        settings: How much.
        bar: Shows progress.
    """
    analysis = _Analysis(people, statistics, settings, bar)
    for entry in entries:
        analysis.add(entry)
    for other in entries[1:]:
        analysis.compare(entries[0], other)
    return analysis.findings()


@dataclass
class _Analysis:
    people: People
    statistics: pd.DataFrame
    settings: Settings
    bar: Bar

    def __post_init__(self) -> None:
        images = self.people.images
        self.doubt: Floats = np.round(images["uncertainty"].to_numpy(dtype=np.float64), 12)
        self.animate: Integers = images["animate"].to_numpy(dtype=np.int64)
        self.folds = self._folds_of(np.ones(len(images), dtype=bool))
        self.readings: dict[str, list[Reading]] = {}
        self.shares: dict[str, Floats] = {}
        self.graded: dict[str, list[tuple[Floats, Floats]]] = {}
        self.intervals: dict[tuple[str, str], Interval] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in Findings.__dataclass_fields__}

    def _folds_of(self, part: npt.NDArray[np.bool_]) -> Integers:
        """Folds of a part of the images, stratified by category and D > 0, each of ten images at least."""
        category = self.people.category.to_numpy()[part]
        strata = [f"{kind} {doubt > 0}" for kind, doubt in zip(category, self.doubt[part], strict=True)]
        folds = number_of_folds(len(strata), self.settings.folds)
        return stratified_folds(strata, folds, self.settings.repeats, self.settings.seed)

    def add(self, entry: Entry) -> None:
        """Everything about one entry."""
        everything = np.ones(len(self.doubt), dtype=bool)
        self.readings[entry.name] = self._reaction_times(entry, "all", "uncertainty", everything, self.doubt)
        if _vary(self.readings[entry.name]):
            shares = [tied_shares(reading.reaction_times, entry.steps) for reading in self.readings[entry.name]]
            self.shares[entry.name] = np.mean(shares, axis=0)
        self._graded(entry)
        parts = {"D > 0": self.doubt > 0, "animate": self.animate == 1, "inanimate": self.animate == 0}
        for name, part in parts.items():
            self._reaction_times(entry, name, "uncertainty", part, self.doubt)
        if self.people.trials is not None and "n_rt" in self.people.images:  # of images, it may be any column
            part = self.people.images["n_rt"].to_numpy() >= LEAST_TIMES
            times = self.people.images["rt_centred_ms"].to_numpy(dtype=np.float64)
            self._reaction_times(entry, "with human reaction times", "human reaction time", part, times)
        self._controls(entry)
        self._beyond(entry)
        self._images(entry)
        self._classifiers(entry)

    def _classifiers(self, entry: Entry) -> None:
        """How often each step's classifier is right."""
        for network in entry.members:
            for step, share in enumerate(network.right, 1):
                since = {STEP_SINCE_ONSET: step - network.onset + 1} if self.settings.since_onset else {}
                known = {"network": network.name, "step": step, **since}
                self.rows["classifiers"].append(known | {"images": len(self.doubt), "accuracy": float(share)})

    def _reaction_times(
        self, entry: Entry, part_name: str, predicted: str, part: npt.NDArray[np.bool_], target: Floats
    ) -> list[Reading]:
        """The correlation of whole steps on a part of the images, thresholds fitted there."""
        target = target[part]
        if len(target) < LEAST_IMAGES or np.ptp(target) == 0:
            return []
        folds = self._folds_of(part)
        courses = [Courses(network.entropies[part]) for network in entry.members]
        readings = [read(one, target, folds) for one in courses]
        row = {
            "network": entry.name,
            "networks": len(entry.members),
            "images": part_name,
            "predicted": predicted,
            "measure": "reaction time",
            "n": len(target),
            "folds": folds.max() + 1,
        }
        if not _vary(readings):
            self.rows["correlations"].append(row | dict.fromkeys(EMPTY, np.nan) | {"test": NO_TIMES})
            return readings
        row["spearman"] = float(np.mean([reading.correlation for reading in readings]))
        row |= self._whether_above_zero(entry, f"{part_name}, {predicted}", courses, target, folds)
        standardised = [one for reading in readings for one in reading.standardised]
        times = [one for reading in readings for one in reading.reaction_times]
        self.rows["correlations"].append(row | ties(standardised, times, target))
        return readings

    def _whether_above_zero(
        self, entry: Entry, title: str, courses: Sequence[Courses], target: Floats, folds: Integers
    ) -> dict[str, Any]:
        settings, members = self.settings, len(courses)
        found: dict[str, Any] = {"low": np.nan, "high": np.nan, "p": np.nan, "test": ""}
        if settings.bootstraps:
            with self.bar(f"{entry.name}, {title}: interval", settings.bootstraps * members) as advance:
                interval = bootstrap_interval(
                    courses, target, folds, settings.bootstraps, settings.seed, entry.name, advance
                )
            self.intervals[entry.name, title] = interval
            found |= {"low": interval.low, "high": interval.high}
        if settings.refits:
            with self.bar(f"{entry.name}, {title}: shuffled", settings.refits * members) as advance:
                test = against_zero(courses, target, folds, settings.refits, settings.seed, advance=advance)
            found |= {"p": test.p, "test": f"one-tailed, {settings.refits:,} shuffles refitted"}
        return found

    def _graded(self, entry: Entry) -> None:
        """Measures that tie less: graded crossing as it is, and, without thresholds, intervals and pingouin's test."""
        readings = [read_graded(network.entropies, self.doubt, self.folds) for network in entry.members]
        self.graded[entry.name] = readings
        times, standardised = ([one for part in parts for one in part] for parts in zip(*readings, strict=True))
        ranks = rankdata(self.doubt)
        row = {"network": entry.name, "networks": len(entry.members), "images": "all", "predicted": "uncertainty"}
        row |= {"n": len(ranks)}
        crossing: dict[str, Any] = {"measure": "graded crossing", "folds": self.folds.max() + 1}
        if entry.steps > 1:
            crossing["spearman"] = float(np.mean([pearson(one, ranks) for one in standardised]))
            self.rows["correlations"].append(row | crossing | ties(standardised, times, self.doubt))
        for measure, of in (("area under uncertainty", area_under), ("entropy of the last step", last_entropy)):
            found = [of(network.entropies) for network in entry.members]
            tests = [rank_test(values, self.doubt) for values in found]
            above: dict[str, Any] = {
                "spearman": float(np.mean([correlation for correlation, _ in tests])),
                **ties(found, found, self.doubt),
            }
            if self.settings.bootstraps:
                interval = bootstrap_ranks(found, self.doubt, self.settings.bootstraps, self.settings.seed, entry.name)
                self.intervals[entry.name, measure] = interval
                above |= {"low": interval.low, "high": interval.high}
            if len(tests) == 1:
                above |= {"p": tests[0][1], "test": "one-tailed, pingouin's corr"}
            self.rows["correlations"].append(row | {"measure": measure} | above)

    def _controls(self, entry: Entry) -> None:
        """What is left of a correlation without training, and without what the category explains."""
        if not _vary(self.readings[entry.name]):
            return
        settings = self.settings
        if entry.random:
            found = [read(Courses(entropies), self.doubt, self.folds).correlation for entropies in entry.random]
            self._control(entry, "randomly initialised", np.array(found), (min(found), max(found)))
        category = self.people.category.to_numpy()
        shuffles = {"category": category, "animate or not": self.animate}
        if len(set(zip(category, self.animate, strict=True))) == len(set(self.animate)):
            del shuffles["category"]  # there is none finer than animate or not
        courses = [Courses(network.entropies) for network in entry.members]
        for name, within in shuffles.items() if settings.refits else ():
            title = f"shuffled within {name}"
            with self.bar(f"{entry.name}: {title}", settings.refits * len(courses)) as advance:
                test = against_zero(
                    courses, self.doubt, self.folds, settings.refits, settings.seed, within=within, advance=advance
                )
            self._control(entry, title, test.null, tuple(np.quantile(test.null, [0.025, 0.975])))
            # The p value is the network's own: of its correlation among those that shuffling within leaves.
            self.rows["correlations"].append(
                {
                    "network": entry.name,
                    "networks": len(entry.members),
                    "images": "all",
                    "predicted": "uncertainty",
                    "measure": f"reaction time within {name}",
                    "n": len(self.doubt),
                    "folds": self.folds.max() + 1,
                    "spearman": test.observed,
                    "p": test.p,
                    "test": f"one-tailed, {settings.refits:,} shuffles within {name}, refitted",
                }
            )

    def _control(self, entry: Entry, control: str, values: Floats, ends: tuple[float, ...]) -> None:
        self.rows["controls"].append(
            {
                "network": entry.name,
                "control": control,
                "spearman": float(np.mean(values)),
                "low": float(ends[0]),
                "high": float(ends[1]),
                "number": len(values),
            }
        )

    def _beyond(self, entry: Entry) -> None:
        """What time adds, and agreement of errors; means over the entry's networks."""
        found = [
            beyond(reading, network, self.people, self.doubt, self.statistics)
            for reading, network in zip(self.readings[entry.name], entry.members, strict=True)
        ]
        self.rows["beyond"] += [
            {"network": entry.name, "quantity": name, "value": float(np.mean([one[name] for one in found]))}
            for name in found[0]
            if _vary(self.readings[entry.name]) or not name.startswith("partial")
        ]

    def _images(self, entry: Entry) -> None:
        """What is known of each image, and each threshold."""
        known: list[dict[Any, Any]] = self.people.images[
            [name for name in ("image", "category", "animate", "pc", "uncertainty") if name in self.people.images]
        ].to_dict("records")
        read_all = zip(self.readings[entry.name], self.graded[entry.name], entry.members, strict=True)
        for reading, (graded, _), network in read_all:
            times, ranks = reading.reaction_times.mean(axis=0), reading.standardised.mean(axis=0)
            self.rows["reaction_times"] += [
                {
                    "network": network.name,
                    **known[image],
                    "reaction_time": times[image],
                    **({SINCE_ONSET: times[image] - network.onset + 1} if self.settings.since_onset else {}),
                    "standardised": ranks[image],
                    "graded_crossing": graded[:, image].mean(),
                    "area_under_uncertainty": network.entropies[image].mean(),
                    "last_entropy": network.entropies[image, -1],
                    "last_p_animate": network.probabilities[image, -1],
                }
                for image in range(len(known))
            ]
            self.rows["thresholds"] += [
                {"network": network.name, "repeat": repeat + 1, "fold": fold + 1, "threshold": threshold}
                for (repeat, fold), threshold in np.ndenumerate(reading.thresholds)
            ]

    def compare(self, first: Entry, second: Entry) -> None:
        """Two entries; with more than one network in either, only the interval."""
        row: dict[str, Any] = {"a": first.name, "b": second.name}
        times: dict[str, Any] = row | {"measure": "reaction time"}
        without = [part.name for part in (first, second) if not _vary(self.readings[part.name])]
        if without:  # against a constant any correlation would pass for a difference
            times["test"] = f"not applicable: {' and '.join(without)} {'has' if len(without) == 1 else 'have'} no times"
        else:
            times |= self._compare_times(first, second)
        area: dict[str, Any] = row | {"measure": "area under uncertainty"}
        of = [[standardised_ranks(network.entropies) for network in part.members] for part in (first, second)]
        means = [np.mean([pearson(ranks[0], rankdata(self.doubt)) for ranks in part]) for part in of]
        area["difference"] = float(means[0] - means[1])
        area |= self._interval_of_difference(first, second, "area under uncertainty")
        if len(first.members) == len(second.members) == 1:
            test = exchange_ranks(of[0][0], of[1][0], self.doubt, self.settings.exchanges, self.settings.seed)
            area |= {"p": test.p, "exchanges": len(test.null), "exact": test.exact}
        self.rows["comparisons"] += [times, area]

    def _compare_times(self, first: Entry, second: Entry) -> dict[str, Any]:
        """The difference in correlation of two entries that both have reaction times."""
        settings, single = self.settings, len(first.members) == len(second.members) == 1
        one, two = self.readings[first.name], self.readings[second.name]
        means = [float(np.mean([reading.correlation for reading in part])) for part in (one, two)]
        times: dict[str, Any] = {"difference": means[0] - means[1]}
        times |= self._interval_of_difference(first, second, "all, uncertainty")
        if single:
            ranks = exchange_ranks(
                one[0].standardised, two[0].standardised, self.doubt, settings.exchanges, settings.seed
            )
            times |= {"p_ranks": ranks.p, "exchanges": len(ranks.null), "exact": ranks.exact}
        if single and settings.refits:
            steps = max(first.steps, second.steps)
            both = Courses(np.concatenate([padded(part.members[0].entropies, steps) for part in (first, second)]))
            with self.bar(f"{first.name} or {second.name}: exchanged", 2 * settings.refits) as advance:
                test = exchange_refitted(both, self.doubt, self.folds, settings.refits, settings.seed, advance)
            times |= {"p": test.p, "refits": settings.refits}
        return times

    def _interval_of_difference(self, first: Entry, second: Entry, title: str) -> dict[str, float]:
        if not self.settings.bootstraps:
            return {}
        interval = difference(self.intervals[first.name, title], self.intervals[second.name, title])
        return {"low": interval.low, "high": interval.high}

    def findings(self) -> Findings:
        """The tables, p values corrected for the number of networks or pairs."""
        with self.bar("ceilings", self.settings.simulations) as advance:
            found, crowd = ceilings(self.people, self.shares, self.settings.simulations, self.settings.seed, advance)
        # Without a second network, or without tests, a table has no rows; it has its columns still.
        empty = {
            "comparisons": ["a", "b", "measure"],
            "controls": ["network", "control", "spearman"],
            "classifiers": ["network", "step", "images", "accuracy"],
        }
        tables = {
            name: pd.DataFrame(rows, columns=None if rows else empty.get(name)) for name, rows in self.rows.items()
        }
        tables["correlations"] = corrected(tables["correlations"], ["images", "predicted", "measure"])
        tables["comparisons"] = corrected(tables["comparisons"], ["measure"])
        for table in tables.values():
            for name in set(COUNTS) & set(table):
                table[name] = table[name].astype("Int64")
        return Findings(**(tables | {"ceilings": found, "crowds": crowd}))


def _vary(readings: Sequence[Reading]) -> bool:
    """Whether reaction times differ at all; if not, nothing can go with them."""
    return any(np.ptp(reading.reaction_times) > 0 for reading in readings)
