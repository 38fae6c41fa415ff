"""Several networks on the same images: which is more accurate, and by more than chance?

All of it holds for these weights on images of this kind. Another seed gives another network of the same architecture;
to compare architectures, take several networks of each (`analysis.seeds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from rcnnzoo.analysis.bands import accuracy_at, resampled_accuracy_at
from rcnnzoo.analysis.changes import changes_of
from rcnnzoo.analysis.intervals import Bootstrap, percentiles, wilson
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from rcnnzoo.analysis.traces import check_same_images
from rcnnzoo.errors import OptionError
from rcnnzoo.policies.lookup import DEFAULT as ENTROPY
from rcnnzoo.readouts.lookup import DEFAULT as CUMULATIVE


@dataclass(frozen=True)
class Comparison:
    """Results of several networks on one set of images.

    Attributes:
        images: Number of images.
        models: One row per network: `name, accuracy, low, high, parameters`; accuracy after all steps with its 95 %
            Wilson interval.
        pairs: One row per pair: `a, b`; `only_a, only_b`, the numbers of images that only one is right on after all
            steps; McNemar's exact `statistic`, `p`, `p_corrected` (Bonferroni), `p_holm`; then at equal `mean_macs` the
            curves' `accuracy_a, accuracy_b`, their `difference` a - b and its 95 % interval `low, high` (paired
            percentile bootstrap), NaN where one of the two can't have that mean cost.
    """

    images: int
    models: pd.DataFrame
    pairs: pd.DataFrame


def compare(
    traces: Mapping[str, xr.Dataset],
    policy: str = ENTROPY,
    readout: str = CUMULATIVE,
    *,
    cost: float | None = None,
    bootstrap: Bootstrap | None = None,
) -> Comparison:
    """Accuracies, McNemar's test for each pair, and accuracy at equal cost.

    Args:
        traces: By name, of the same images in the same order.
        policy: A registered exit policy, for the curves.
        readout: A registered readout.
        cost: Mean MACs per image at which to compare; without it the most that the cheaper of a pair can spend.
        bootstrap: For the intervals at equal cost.

    Raises:
        OptionError: There are fewer than two networks, or none that can have that cost.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The traces have no images, or differ in their images.
    """
    from statsmodels.stats.multitest import multipletests  # slow to import, and needed only here

    if len(traces) < 2:
        raise OptionError("a comparison needs two networks: name another MODEL or TRACE")
    check_same_images(traces)
    outcomes = {name: find_outcomes(trace, policy, readout) for name, trace in traces.items()}
    pairs = [
        {"a": a, "b": b, **mcnemar(outcomes[a].right[:, -1], outcomes[b].right[:, -1])}
        for a, b in combinations(outcomes, 2)
    ]
    table = pd.DataFrame(pairs)
    for column, method in (("p_corrected", "bonferroni"), ("p_holm", "holm")):
        table[column] = multipletests(table["p"], method=method)[1]
    at_cost = _at_equal_cost(outcomes, cost, bootstrap or Bootstrap())
    models = [_model(name, traces[name], of_one) for name, of_one in outcomes.items()]
    images = next(iter(traces.values())).sizes["image"]
    return Comparison(images, pd.DataFrame(models), table.join(at_cost))


def _model(name: str, trace: xr.Dataset, outcomes: Outcomes) -> dict[str, Any]:
    right, images = int(outcomes.right[:, -1].sum()), len(outcomes.right)
    low, high = wilson(right, images)
    return {
        "name": name,
        "accuracy": right / images,
        "low": low,
        "high": high,
        "parameters": trace.attrs.get("parameters"),
    }


def mcnemar(right_a: npt.NDArray[np.bool_], right_b: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """McNemar's test on right answers, [N] each, exact: binomial on the images where only one is right."""
    from statsmodels.stats.contingency_tables import mcnemar as test

    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    result = test([[0, only_a], [only_b, 0]], exact=True)  # the images on which they agree don't matter
    return {
        "only_a": only_a,
        "only_b": only_b,
        "statistic": int(result.statistic),
        "p": float(result.pvalue),
    }


def _at_equal_cost(outcomes: Mapping[str, Outcomes], cost: float | None, bootstrap: Bootstrap) -> pd.DataFrame:
    """One row per pair: `mean_macs, accuracy_a, accuracy_b, difference, low, high`."""
    pairs = list(combinations(outcomes, 2))
    costs = [common_cost(outcomes[a], outcomes[b], cost) for a, b in pairs]
    if cost is not None and np.isnan(costs).all():
        raise OptionError(f"`cost` {cost:.6g}: no two of these networks can both have that mean cost; leave it out")
    # Each network's curve is computed once per resample, at the costs of all its pairs; the draws are the same for all.
    changes = {name: changes_of(of_one) for name, of_one in outcomes.items()}
    resampled = {name: resampled_accuracy_at(of_one, costs, bootstrap) for name, of_one in changes.items()}
    observed = {name: accuracy_at(of_one, costs) for name, of_one in changes.items()}
    rows = []
    for number, (a, b) in enumerate(pairs):
        accuracy_a, accuracy_b = observed[a][number], observed[b][number]
        low, high = percentiles(resampled[a][:, number] - resampled[b][:, number])
        rows.append((costs[number], accuracy_a, accuracy_b, accuracy_a - accuracy_b, float(low), float(high)))
    names = ["mean_macs", "accuracy_a", "accuracy_b", "difference", "low", "high"]
    table = pd.DataFrame(rows, columns=names)
    table[table["mean_macs"].isna()] = np.nan  # a network of one step has its accuracy at any cost
    return table


def common_cost(a: Outcomes, b: Outcomes, cost: float | None) -> float:
    """A mean cost that both can have, NaN if there is none; the lesser of their greatest unless one is given."""
    least, most = max(a.macs[0], b.macs[0]), min(a.macs[-1], b.macs[-1])
    wanted = float(most if cost is None else cost)
    return wanted if least <= wanted <= most else float("nan")
