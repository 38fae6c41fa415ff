"""The paper's claims beside what these networks show.

What the paper says is from the abstract of Spoerer et al. 2020 (doi 10.1371/journal.pcbi.1008215), whose four points
are numbered there, and from the authors' published code (parameters). Nothing here is a result of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from rcnnzoo.analysis.bands import accuracy_at
from rcnnzoo.analysis.changes import changes_of
from rcnnzoo.analysis.intervals import LEVEL, mean_of_seeds
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from rcnnzoo.analysis.sat_curve import curve_of
from rcnnzoo.report.subjects import Subjects
from rcnnzoo.results.result import p_value
from rcnnzoo.text import short

RECURRENT, BASELINE = "bl", "b"
CONTROLS = ("b-k", "b-f", "b-d")
"""Feedforward networks with about as many parameters."""
PUBLISHED = {"b": 11_037_768, "b-k": 39_796_040, "b-f": 40_006_824, "b-d": 28_819_848, "bl": 28_870_920}
"""Parameters with 1,000 categories at full width, counted from the authors' published code."""
MARGIN = 0.02
"""Difference in accuracy up to which two networks count as equally accurate."""
FEWER = 0.9
"""Share of the recurrent network's parameters from which a control has as many."""

HOLDS, FAILS, OPEN, UNTESTED = "holds", "does not hold", "undecided", "not tested"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Claim:
    """A row of the table.

    Attributes:
        claim: What is claimed.
        paper: What the paper says or has, and at what scale.
        ours: What these networks show.
        interval: Its 95 % intervals.
        verdict: One of `HOLDS`, `FAILS`, `OPEN`, `UNTESTED`.
        why: How it was measured, or why it was not.
    """

    claim: str
    paper: str
    ours: str = ""
    interval: str = ""
    verdict: str = UNTESTED
    why: str = ""


@dataclass(frozen=True)
class Difference:
    """A mean with its intervals.

    Attributes:
        mean: Over seeds and images.
        seeds: Its interval over seeds, if there are several.
        images: Its interval over images.
    """

    mean: float
    seeds: tuple[float, float] | None
    images: tuple[float, float]

    @property
    def ends(self) -> tuple[float, float]:
        """Of the interval that decides: over seeds where it is known."""
        return self.seeds or self.images

    def verdict(self) -> str:
        """Whether the mean is above 0."""
        low, high = self.ends
        return HOLDS if low > 0 else FAILS if high < 0 else OPEN

    def equality(self) -> str:
        """Whether it is as good as 0: within a margin."""
        low, high = self.ends
        if low >= -MARGIN and high <= MARGIN:
            return HOLDS
        return FAILS if low > MARGIN or high < -MARGIN else OPEN

    def words(self, factor: float = 100, digits: int = 1) -> str:
        """The intervals, in points unless another factor is given."""
        named = {"over seeds": self.seeds, "over images": self.images}
        return "; ".join(
            f"{factor * ends[0]:+.{digits}f} to {factor * ends[1]:+.{digits}f} {name}"
            for name, ends in named.items()
            if ends is not None
        )


def differing(values: Sequence[Floats]) -> Difference:
    """The mean of a quantity of each image, [N] for each seed, with its intervals.

    The interval over images is that of the mean over seeds: normal, from the standard error over images.
    """
    table = np.stack(values)  # [S, N]
    mean, low, high = mean_of_seeds(table.mean(axis=1))
    by_image = table.mean(axis=0)
    half = norm.ppf((1 + LEVEL) / 2) * by_image.std(ddof=1) / np.sqrt(len(by_image))
    seeds = (float(low), float(high)) if len(table) > 1 else None
    return Difference(float(mean), seeds, (float(mean - half), float(mean + half)))


def claims(subjects: Subjects, readout: str, people: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Each claim of the paper with a verdict; none if the recurrent network is not among the networks.

    Args:
        subjects: The networks.
        readout: By which all is measured.
        people: As `report.people` gives them.
    """
    names: dict[str, str] = {}
    for name, opened in subjects.firsts.items():
        names.setdefault(str(opened.trace.attrs.get("architecture")), name)
    if RECURRENT not in names:
        return []
    members = {
        architecture: [
            find_outcomes(opened.trace, "entropy", readout)
            for seed, opened in (subjects.traces[name] if subjects.several else {0: subjects.firsts[name]}).items()
            if not subjects.several or seed in subjects.shared
        ]
        for architecture, name in names.items()
        if architecture in (RECURRENT, BASELINE, *CONTROLS)
    }
    found = [_more_accurate(members, control) for control in (*CONTROLS, BASELINE)]
    found.append(_as_many_parameters(subjects, names))
    found.append(_gains_over_time(members[RECURRENT]))
    found.append(_longer_on_harder_images(members))
    found += [_equal_at_equal_cost(members, control) for control in (BASELINE, *CONTROLS)]
    found += _predicts_people(names, people)
    return [asdict(claim) for claim in found]


def _more_accurate(members: Mapping[str, Sequence[Outcomes]], control: str) -> Claim:
    what = "as many parameters" if control in CONTROLS else "the same layers without recurrence"
    claim = f"{RECURRENT} is more accurate than {control}, which is feedforward with {what}"
    paper = "more accurate, on ImageNet and ecoset (point 1)"
    if control not in members:
        return Claim(claim, paper, why=f"{control} is not among the networks")
    pairs = zip(members[RECURRENT], members[control], strict=True)
    found = differing([a.right[:, -1].astype(float) - b.right[:, -1] for a, b in pairs])
    ours = f"{100 * found.mean:+.1f} points"
    return Claim(claim, paper, ours, found.words(), found.verdict(), "top-1 accuracy after all time steps, in points")


def _as_many_parameters(subjects: Subjects, names: Mapping[str, str]) -> Claim:
    counts = {
        architecture: int(subjects.firsts[names[architecture]].trace.attrs["parameters"])
        for architecture in (RECURRENT, *CONTROLS)
        if architecture in names
    }
    claim = f"the controls have at least about as many parameters as {RECURRENT}"
    paper = ", ".join(f"{name} {short(PUBLISHED[name])}" for name in (RECURRENT, *CONTROLS))
    paper += " (authors' code, 1,000 categories, full width)"
    if len(counts) < 2:
        return Claim(claim, paper, why="no control is among the networks")
    ours = ", ".join(f"{name} {short(count)}" for name, count in counts.items())
    least = min(count for name, count in counts.items() if name != RECURRENT) / counts[RECURRENT]
    verdict = HOLDS if least >= FEWER else FAILS
    return Claim(
        claim, paper, ours, "exact", verdict, f"the smallest control has {100 * least:.0f} % of its parameters"
    )


def _gains_over_time(recurrent: Sequence[Outcomes]) -> Claim:
    claim = f"{RECURRENT} becomes more accurate when it runs longer"
    paper = "run longer, it outperforms feedforward networks (point 4)"
    found = differing([one.right[:, -1].astype(float) - one.right[:, 0] for one in recurrent])
    why = "accuracy after the last minus after the first time step, in points"
    return Claim(claim, paper, f"{100 * found.mean:+.1f} points", found.words(), found.verdict(), why)


def _longer_on_harder_images(members: Mapping[str, Sequence[Outcomes]]) -> Claim:
    claim = f"{RECURRENT} takes more time over images that are harder to recognise"
    paper = "at a given confidence threshold, more time and energy (point 2)"
    if BASELINE not in members:
        return Claim(
            claim, paper, why=f"hard images are those that {BASELINE} gets wrong; it is not among the networks"
        )
    values, pairs = [], list(zip(members[RECURRENT], members[BASELINE], strict=True))
    for recurrent, baseline in pairs:
        hard = ~baseline.right[:, -1]
        if hard.all() or not hard.any():
            return Claim(claim, paper, why=f"{BASELINE} gets all images right, or all wrong")
        times = recurrent.exits(_middle(recurrent)) + 1.0
        # Each image's share in the difference of the two means, so that its mean over images is that difference.
        share = hard.mean()
        values.append(
            np.where(hard, (times - times[hard].mean()) / share, -(times - times[~hard].mean()) / (1 - share))
            + times[hard].mean()
            - times[~hard].mean()
        )
    found = differing(values)
    why = (
        f"mean reaction time on images that {BASELINE} gets wrong minus that on others, at the entropy threshold whose "
        "mean cost is halfway between the least and the greatest"
    )
    return Claim(claim, paper, f"{found.mean:+.2f} steps", found.words(1, 2), found.verdict(), why)


def _middle(outcomes: Outcomes) -> float:
    """The threshold whose mean cost is closest to the middle between the least and the greatest."""
    curve = curve_of(outcomes)
    cost = curve["mean_macs"].to_numpy()
    return float(curve["threshold"].to_numpy()[np.abs(cost - (cost[0] + cost[-1]) / 2).argmin()])


def _equal_at_equal_cost(members: Mapping[str, Sequence[Outcomes]], control: str) -> Claim:
    claim = f"stopped early, {RECURRENT} is as accurate as {control} at the same mean cost"
    paper = "the same accuracy at approximately the same cost (point 4)"
    if control not in members:
        return Claim(claim, paper, why=f"{control} is not among the networks")
    cost = int(members[control][0].macs[-1])
    macs = members[RECURRENT][0].macs
    if not macs[0] <= cost <= macs[-1]:
        least, most = short(int(macs[0])), short(int(macs[-1]))
        why = f"{control} costs {short(cost)} MACs, {RECURRENT} from {least} to {most}"
        return Claim(claim, paper, why=why)
    gains = [
        float(accuracy_at(changes_of(a), [cost])[0]) - float(b.right[:, -1].mean())
        for a, b in zip(members[RECURRENT], members[control], strict=True)
    ]
    values = []
    for gain, a, b in zip(gains, members[RECURRENT], members[control], strict=True):
        threshold = _threshold_at(a, cost)
        own = a.right[np.arange(len(a.right)), a.exits(threshold)].astype(float) - b.right[:, -1]
        values.append(own - own.mean() + gain)  # the images' spread around the interpolated difference
    found = differing(values)
    why = f"difference in points at {short(cost)} MACs; equal within {100 * MARGIN:.0f} points"
    return Claim(claim, paper, f"{100 * found.mean:+.1f} points", found.words(), found.equality(), why)


def _threshold_at(outcomes: Outcomes, cost: float) -> float:
    curve = curve_of(outcomes)
    return float(curve["threshold"].to_numpy()[np.abs(curve["mean_macs"].to_numpy() - cost).argmin()])


def _predicts_people(names: Mapping[str, str], people: Sequence[Mapping[str, Any]]) -> list[Claim]:
    claim = f"reaction times of {RECURRENT} predict where people hesitate"
    paper = "they predict human reaction times for the same images (point 3)"
    if not people:
        return [Claim(claim, paper, why="no answers of people were given")]
    found = []
    for study in people:
        rows = [
            row
            for row in study["correlations"]
            if row["network"].startswith(names[RECURRENT]) and row["measure"] == "reaction time"
        ]
        if not rows:
            found.append(Claim(f"{claim} ({study['name']})", paper, why="it has no reaction times there"))
            continue
        row = rows[0]
        positive = row["r"] > 0 and row["p"] is not None and row["p"] < 1 - LEVEL
        verdict = HOLDS if positive else FAILS if row["high"] is not None and row["high"] < 0 else OPEN
        interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f} over images"
        why = f"Spearman's correlation with uncertainty D on {row['n']:,} images"
        why += "" if row["p"] is None else f"; p (Holm): {p_value(row['p'])}"
        found.append(Claim(f"{claim} ({study['name']})", paper, f"r = {row['r']:.3f}", interval, verdict, why))
        found += _better_than_others(names, study)
    return found


def _better_than_others(names: Mapping[str, str], study: Mapping[str, Any]) -> list[Claim]:
    """Whether people are predicted better than by each feedforward network, by the measure that both have."""
    found = []
    table: list[Mapping[str, Any]] = next(
        (table["rows"] for table in study["tables"] if table["title"] == "comparisons"), []
    )
    for control in (BASELINE, *CONTROLS):
        claim = f"{RECURRENT} predicts people's hesitation better than {control} ({study['name']})"
        paper = "better than feedforward networks (point 3)"
        rows = [
            row
            for row in table
            if control in names
            and str(row["a"]).startswith(names[RECURRENT])
            and row["b"] == names[control]
            and row.get("difference") is not None
        ]
        rows.sort(key=lambda row: row["measure"] != "reaction time")
        if not rows:
            found.append(Claim(claim, paper, why=f"{control} was not compared there"))
            continue
        row = rows[0]
        p = row.get("p_corrected")
        significant = p is not None and p < 1 - LEVEL
        verdict = (HOLDS if row["difference"] > 0 else FAILS) if significant else OPEN
        interval = "" if row.get("low") is None else f"{row['low']:+.3f} to {row['high']:+.3f} over images"
        why = f"difference in Spearman's correlation of {row['measure']}"
        why += "" if p is None else f"; p (Holm): {p_value(p)}"
        found.append(Claim(claim, paper, f"{row['difference']:+.3f}", interval, verdict, why))
    return found
