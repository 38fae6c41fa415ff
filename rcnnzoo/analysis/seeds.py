"""Networks with several members, which differ in their seed alone: means and intervals over seeds, and paired tests.

The unit is the network, so conclusions are about training such a network with another seed, on these images.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from rcnnzoo.analysis.bands import POINTS, accuracy_at
from rcnnzoo.analysis.changes import Changes, changes_of
from rcnnzoo.analysis.comparison import common_cost, mcnemar
from rcnnzoo.analysis.intervals import mean_of_seeds
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from rcnnzoo.analysis.traces import check_same_images
from rcnnzoo.errors import OptionError
from rcnnzoo.policies.lookup import DEFAULT as ENTROPY
from rcnnzoo.readouts.lookup import DEFAULT as CUMULATIVE


def accuracy_over_seeds(by_step: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean accuracy at each time step with its 95 % interval over seeds.

    Args:
        by_step: Of each member, as in `analysis.accuracy.Accuracy`.

    Returns:
        The same columns: `accuracy, low, high` (and `top5, top5_low, top5_high`) are of seeds, `nll` and `ece` means.
    """
    table = by_step[0].copy()
    for name, prefix in (("accuracy", ""), ("top5", "top5_")):
        if name in table:
            values = [one[name].to_numpy() for one in by_step]
            table[name], table[f"{prefix}low"], table[f"{prefix}high"] = mean_of_seeds(values)
    for name in ("nll", "ece"):
        table[name] = np.mean([one[name].to_numpy() for one in by_step], axis=0)
    return table


def curve_over_seeds(changes: Sequence[Changes], macs: Sequence[int]) -> pd.DataFrame:
    """Mean accuracy along mean cost with its 95 % interval over seeds: `mean_macs, accuracy, low, high`.

    At each cost every member stops by a threshold of its own.

    Args:
        changes: Of each member.
        macs: Multiply-accumulates up to and including each step, [T], the same for all members.
    """
    costs = np.unique(np.linspace(macs[0], macs[-1], POINTS))
    accuracy, low, high = mean_of_seeds([accuracy_at(one, costs) for one in changes])
    return pd.DataFrame({"mean_macs": costs, "accuracy": accuracy, "low": low, "high": high})


@dataclass(frozen=True)
class SeedComparison:
    """Results of networks with several members on one set of images.

    Attributes:
        images: Number of images.
        models: One row per network: `name, seeds` (their number), `accuracy, low, high` (mean after all steps and its
            95 % interval over seeds), `parameters`.
        pairs: One row per pair: `a, b`; `seeds`, the number in common; the mean `difference` a - b after all steps and
            its 95 % interval `low, high`; the paired t test's `t, p_t`, corrected over pairs `p_corrected`
            (Bonferroni) and `p_holm`; Wilcoxon's signed-rank test's `w, p_w` and `p_w_corrected` (Bonferroni); then at
            equal `mean_macs` the `difference_at_cost` and its interval `low_at_cost, high_at_cost`, NaN where one of
            the two can't have that mean cost.
        within: One row per pair and seed in common: `a, b, seed`, and McNemar's test as in `Comparison`.
        alone: Seeds without a counterpart, which tests leave out, by pair and network: `(a, b, which), seeds`.
    """

    images: int
    models: pd.DataFrame
    pairs: pd.DataFrame
    within: pd.DataFrame
    alone: Mapping[tuple[str, str, str], Sequence[int]]


def compare_seeds(
    networks: Mapping[str, Mapping[int, xr.Dataset]],
    policy: str = ENTROPY,
    readout: str = CUMULATIVE,
    *,
    cost: float | None = None,
) -> SeedComparison:
    """Accuracies over seeds, and paired tests over the seeds that two networks have in common.

    Args:
        networks: Traces of each network's members by seed, by name, all of the same images in the same order.
        policy: A registered exit policy, for the curves.
        readout: A registered readout.
        cost: Mean MACs per image at which to compare; without it the most that the cheaper of a pair can spend.

    Raises:
        OptionError: There are fewer than two networks, two have fewer than two seeds in common, or none can have that
            cost.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The traces have no images, or differ in their images.
    """
    from statsmodels.stats.multitest import multipletests  # slow to import, and needed only here

    if len(networks) < 2:
        raise OptionError("a comparison needs two networks: name another MODEL or TRACE")
    for (a, first), (b, second) in combinations(networks.items(), 2):
        if len(common := first.keys() & second.keys()) < 2:
            raise OptionError(
                f"{a} and {b} have {len(common)} of their seeds in common, and tests over seeds need 2: train both "
                "with the same seeds"
            )
    check_same_images({f"{name} seed {seed}": trace for name, of in networks.items() for seed, trace in of.items()})
    found = {
        name: {seed: _Member(find_outcomes(trace, policy, readout)) for seed, trace in of.items()}
        for name, of in networks.items()
    }
    pairs, within, alone = [], [], {}
    for a, b in combinations(found, 2):
        seeds = [seed for seed in found[a] if seed in found[b]]
        both = [(found[a][seed], found[b][seed]) for seed in seeds]
        pairs.append({"a": a, "b": b, "seeds": len(seeds), **_test(both), **_at_equal_cost(both, cost)})
        within += [
            {"a": a, "b": b, "seed": seed, **mcnemar(one.outcomes.right[:, -1], other.outcomes.right[:, -1])}
            for seed, (one, other) in zip(seeds, both, strict=True)
        ]
        for name in (a, b):
            if left_out := [seed for seed in found[name] if seed not in seeds]:
                alone[a, b, name] = left_out
    table = pd.DataFrame(pairs)
    if cost is not None and table["mean_macs"].isna().all():
        raise OptionError(f"`cost` {cost:.6g}: no two of these networks can both have that mean cost; leave it out")
    for column, p, method in (
        ("p_corrected", "p_t", "bonferroni"),
        ("p_holm", "p_t", "holm"),
        ("p_w_corrected", "p_w", "bonferroni"),
    ):
        table[column] = multipletests(table[p], method=method)[1]
    models = []
    for name, members in found.items():
        mean, low, high = mean_of_seeds([one.accuracy for one in members.values()])
        parameters = next(iter(networks[name].values())).attrs.get("parameters")
        shares = {"accuracy": mean, "low": low, "high": high}
        models.append({"name": name, "seeds": len(members), **shares, "parameters": parameters})
    images = next(iter(next(iter(networks.values())).values())).sizes["image"]
    return SeedComparison(images, pd.DataFrame(models), table, pd.DataFrame(within), alone)


class _Member:
    """One member's outcomes, and what is computed of them once."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes
        self.accuracy = float(outcomes.right[:, -1].mean())
        self.changes = changes_of(outcomes)


def _test(both: Sequence[tuple[_Member, _Member]]) -> dict[str, Any]:
    """Paired tests over seeds of accuracy after all steps."""
    from scipy import stats

    differences = np.array([a.accuracy - b.accuracy for a, b in both])
    mean, low, high = mean_of_seeds(differences)
    if (differences == 0).all():  # to both tests nothing speaks against no difference, which SciPy calls NaN
        t, p_t, w, p_w = 0.0, 1.0, 0.0, 1.0
    else:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)  # all differences are equal
            t, p_t = stats.ttest_1samp(differences, 0.0)
        w, p_w = stats.wilcoxon(differences)
    return {
        "difference": mean,
        "low": low,
        "high": high,
        "t": float(t),
        "p_t": float(p_t),
        "w": float(w),
        "p_w": float(p_w),
    }


def _at_equal_cost(both: Sequence[tuple[_Member, _Member]], cost: float | None) -> dict[str, float]:
    macs = common_cost(both[0][0].outcomes, both[0][1].outcomes, cost)
    names = ("mean_macs", "difference_at_cost", "low_at_cost", "high_at_cost")
    if np.isnan(macs):
        return dict.fromkeys(names, np.nan)
    differences = [float((accuracy_at(a.changes, [macs]) - accuracy_at(b.changes, [macs]))[0]) for a, b in both]
    return dict(zip(names, (macs, *mean_of_seeds(differences)), strict=True))
