"""The paper's claims beside what these networks show; where the paper's side comes from, `report.paper` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rcnnzoo.analysis.differences import Difference, at_equal_cost, of_accuracies, of_groups
from rcnnzoo.analysis.intervals import LEVEL, Bootstrap
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from rcnnzoo.analysis.sat_curve import curve_of
from rcnnzoo.report.paper import PARAMETERS
from rcnnzoo.report.subjects import Subjects
from rcnnzoo.results.result import p_value
from rcnnzoo.text import short

RECURRENT, BASELINE = "bl", "b"
CONTROLS = ("b-k", "b-f", "b-d")
"""Feedforward networks with about as many parameters."""
MARGIN = 0.02
"""Difference in accuracy up to which two networks count as equally accurate."""
FEWER = 0.9
"""Share of the recurrent network's parameters from which a control has about as many."""
LEAST = 20
"""Hard images, and easy ones, that a comparison of their reaction times needs."""

HOLDS, FAILS, OPEN, UNTESTED = "holds", "does not hold", "undecided", "not tested"


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


def _words(found: Difference, factor: float = 100, digits: int = 1) -> str:
    """The intervals, in points unless another factor is given."""
    named = {"over seeds": found.seeds, "over images": found.images}
    return "; ".join(
        f"{factor * ends[0]:+.{digits}f} to {factor * ends[1]:+.{digits}f} {name}"
        for name, ends in named.items()
        if ends is not None
    )


def _above(found: Difference) -> str:
    """Whether it is above 0."""
    return {1: HOLDS, 0: OPEN, -1: FAILS}[found.sign]


def _equal(found: Difference) -> str:
    """Whether it is as good as 0: within a margin."""
    low, high = found.ends
    if low >= -MARGIN and high <= MARGIN:
        return HOLDS
    return FAILS if low > MARGIN or high < -MARGIN else OPEN


def claims(subjects: Subjects, policy: str, readout: str, people: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Each claim of the paper with a verdict; none if the recurrent network is not among the networks.

    Of several networks of one architecture, the first is taken.

    Args:
        subjects: The networks.
        policy: The exit policy.
        readout: By which all is measured.
        people: As `report.people` gives them.
    """
    names = subjects.by_architecture
    if RECURRENT not in names:
        return []
    members = {
        architecture: [
            find_outcomes(opened.trace, policy, readout) for opened in subjects.traces[names[architecture]].values()
        ]
        for architecture in (RECURRENT, BASELINE, *CONTROLS)
        if architecture in names
    }
    found = [_more_accurate(members, control) for control in (*CONTROLS, BASELINE)]
    found.append(_as_many_parameters(subjects, names))
    found.append(_gains_over_time(members[RECURRENT]))
    found.append(_longer_on_harder_images(members, policy))
    found += [_equal_at_equal_cost(members, control, policy) for control in (BASELINE, *CONTROLS)]
    found += _predicts_people(names, people)
    return [asdict(claim) for claim in found]


def _more_accurate(members: Mapping[str, Sequence[Outcomes]], control: str) -> Claim:
    if control in CONTROLS:
        claim = f"{RECURRENT} is more accurate than {control}, which is feedforward with about as many parameters"
        paper = "more accurate, on ImageNet and ecoset (points 1 and 4)"
    else:
        claim = f"{RECURRENT} is more accurate than {control}, which has the same layers without recurrence"
        paper = f"not one of its points: {control} has fewer parameters"
    if control not in members:
        return Claim(claim, paper, why=f"{control} is not among the networks")
    pairs = zip(members[RECURRENT], members[control], strict=True)
    found = of_accuracies([(a.right[:, -1], b.right[:, -1]) for a, b in pairs])
    why = "top-1 accuracy after all time steps, in points" + _tested(found)
    return Claim(claim, paper, f"{100 * found.mean:+.1f} points", _words(found), _above(found), why)


def _tested(found: Difference) -> str:
    return "" if found.p is None else f"; McNemar's exact test, p {p_value(found.p)}"


def _as_many_parameters(subjects: Subjects, names: Mapping[str, str]) -> Claim:
    counts = {
        architecture: int(subjects.firsts[names[architecture]].trace.attrs["parameters"])
        for architecture in (RECURRENT, *CONTROLS)
        if architecture in names
    }
    claim = f"the controls have at least about as many parameters as {RECURRENT}"
    paper = ", ".join(f"{name} {short(PARAMETERS[name])}" for name in (RECURRENT, *CONTROLS))
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
    paper = "a threshold trades speed for accuracy (point 2)"
    found = of_accuracies([(one.right[:, -1], one.right[:, 0]) for one in recurrent])
    why = "accuracy after the last time step minus that after the first, in points" + _tested(found)
    return Claim(claim, paper, f"{100 * found.mean:+.1f} points", _words(found), _above(found), why)


def _longer_on_harder_images(members: Mapping[str, Sequence[Outcomes]], policy: str) -> Claim:
    claim = f"{RECURRENT} takes more time over images that are harder to recognise"
    paper = "at a given confidence threshold, more time and energy (point 2)"
    if BASELINE not in members:
        why = f"hard images are those that {BASELINE} gets wrong; it is not among the networks"
        return Claim(claim, paper, why=why)
    hard = [~one.right[:, -1] for one in members[BASELINE]]
    fewest = min(min(int(one.sum()), int((~one).sum())) for one in hard)
    if fewest < LEAST:
        why = f"{BASELINE} gets {fewest} images wrong, or right: at least {LEAST} of each are needed"
        return Claim(claim, paper, why=why)
    found = of_groups([one.exits(_middle(one)) + 1.0 for one in members[RECURRENT]], hard)
    why = (
        f"mean reaction time on images that {BASELINE} gets wrong minus that on others, at the threshold of {policy} "
        "whose mean cost is halfway between the least and the greatest"
    )
    return Claim(claim, paper, f"{found.mean:+.2f} steps", _words(found, 1, 2), _above(found), why)


def _middle(outcomes: Outcomes) -> float:
    """The threshold whose mean cost is closest to the middle between the least and the greatest."""
    curve = curve_of(outcomes)
    cost = curve["mean_macs"].to_numpy()
    return float(curve["threshold"].to_numpy()[np.abs(cost - (cost[0] + cost[-1]) / 2).argmin()])


def _equal_at_equal_cost(members: Mapping[str, Sequence[Outcomes]], control: str, policy: str) -> Claim:
    claim = f"stopped early, {RECURRENT} is as accurate as {control} at the same mean cost"
    paper = "the same accuracy at approximately the same cost (point 4)"
    if control not in members:
        return Claim(claim, paper, why=f"{control} is not among the networks")
    cost, macs = int(members[control][0].macs[-1]), members[RECURRENT][0].macs
    if not macs[0] <= cost <= macs[-1]:
        least, most = short(int(macs[0])), short(int(macs[-1]))
        why = f"{control} costs {short(cost)} MACs, {RECURRENT} from {least} to {most}"
        return Claim(claim, paper, why=why)
    found = at_equal_cost(list(zip(members[RECURRENT], members[control], strict=True)), cost, Bootstrap())
    stopped = f"where all images stop at step 1 of {RECURRENT}" if cost == macs[0] else f"exit policy {policy}"
    why = f"difference in points at {short(cost)} MACs, {stopped}; equal within {100 * MARGIN:.0f} points"
    return Claim(claim, paper, f"{100 * found.mean:+.1f} points", _words(found), _equal(found), why)


def _predicts_people(names: Mapping[str, str], people: Sequence[Mapping[str, Any]]) -> list[Claim]:
    claim = f"reaction times of {RECURRENT} predict where people hesitate"
    paper = "they predict human reaction times for the same images (point 3)"
    if not people:
        return [Claim(claim, paper, why="no human data were given")]
    found = []
    for study in people:
        about = f"{claim} ({study['name']})"
        rows = [row for row in study["correlations"] if row["network"] == names[RECURRENT]]
        row = next((row for row in rows if row["measure"] == "reaction time"), None)
        if row is None:
            found.append(Claim(about, paper, why=f"this study has no reaction times of {names[RECURRENT]}"))
            continue
        why = f"Spearman's correlation with uncertainty D on {row['n']:,} images{_tested_by_holm(row['p'])}"
        found.append(Claim(about, paper, f"r = {row['r']:.3f}", *_judged(row, row["r"], row["p"]), why))
        found += _better_than_others(names, study)
    return found


def _judged(row: Mapping[str, Any], estimate: float, p: float | None) -> tuple[str, str]:
    """The interval and the verdict of a correlation, or a difference: by its test, or by the interval without one."""
    low, high = row.get("low"), row.get("high")
    interval = "" if low is None or high is None else f"{low:+.3f} to {high:+.3f}"
    apart = low is not None and high is not None and (low > 0 or high < 0)
    if apart if p is None else p < 1 - LEVEL:
        return interval, HOLDS if estimate > 0 else FAILS
    return interval, FAILS if high is not None and high < 0 else OPEN


def _tested_by_holm(p: float | None) -> str:
    return "" if p is None else f"; p {p_value(p)} (corrected by Holm's method)"


def _better_than_others(names: Mapping[str, str], study: Mapping[str, Any]) -> list[Claim]:
    """Whether people are predicted better than by each feedforward network, by the measure that both have."""
    found = []
    table: list[Mapping[str, Any]] = next(
        (table["rows"] for table in study["tables"] if table["title"] == "comparisons"), []
    )
    for control in (BASELINE, *CONTROLS):
        claim = f"{RECURRENT} predicts people's hesitation better than {control} ({study['name']})"
        paper = "better than feedforward networks (point 3)"
        pair = {names[RECURRENT], names.get(control)}
        rows = [row for row in table if {row["a"], row["b"]} == pair and row.get("difference") is not None]
        rows.sort(key=lambda row: row["measure"] != "reaction time")
        if not rows:
            found.append(Claim(claim, paper, why=f"{control} was not compared there"))
            continue
        row, p = rows[0], rows[0].get("p_corrected")
        if row["a"] != names[RECURRENT]:
            turned = {"difference": -row["difference"]}
            turned |= {"low": row["high"] and -row["high"], "high": row["low"] and -row["low"]} if "low" in row else {}
            row = {**row, **turned}
        why = f"difference in Spearman's correlation of {row['measure']}{_tested_by_holm(p)}"
        found.append(Claim(claim, paper, f"{row['difference']:+.3f}", *_judged(row, row["difference"], p), why))
    return found
