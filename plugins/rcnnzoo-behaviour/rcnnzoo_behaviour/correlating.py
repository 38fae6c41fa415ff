"""Correlations of ranks, their ties, and p values corrected for their number.

Letters of shapes: N images, T time steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pingouin
from scipy.stats import kendalltau, rankdata

from rcnnzoo_behaviour.fitting import Floats
from rcnnzoo_behaviour.reaction_time import area_under, tied_share


def corrected(table: pd.DataFrame, alike: list[str]) -> pd.DataFrame:
    """With `p_corrected`, Holm's, over the rows that ask the same of several networks or pairs."""
    if "p" not in table:
        return table
    corrected = pd.Series(np.nan, index=table.index)
    for _, part in table.dropna(subset="p").groupby(alike, sort=False):
        corrected[part.index] = pingouin.multicomp(part["p"].to_numpy(), method="holm")[1]
    place = list(table.columns).index("p") + 1
    table.insert(place, "p_corrected", corrected)
    return table


def ties(ranks: Sequence[Floats], times: Sequence[npt.ArrayLike], target: Floats) -> dict[str, float]:
    """Kendall's tau-b of ranks, 0 where all are equal, and the share of tied pairs of times; means over all given."""
    taus = [0.0 if np.ptp(one) == 0 else kendalltau(one, target).statistic for one in ranks]
    return {"kendall": float(np.mean(taus)), "tied_pairs": float(np.mean([tied_share(one) for one in times]))}


def padded(entropies: Floats, steps: int) -> Floats:
    """Time courses of as many steps, so that a network that has fewer never takes longer than it can."""
    early = entropies[:, :-1]  # whoever gets to the last step stops there, whatever its entropy
    return np.pad(early, ((0, 0), (0, steps - early.shape[1])), constant_values=-np.inf)


def standardised_ranks(entropies: Floats) -> Floats:
    """Standardised ranks of the area under uncertainty, as one repeat: [1, N]."""
    ranks: Floats = (rankdata(area_under(entropies))[None] - 0.5) / len(entropies)
    return ranks


def last_entropy(entropies: Floats) -> Floats:
    """Entropy of the last step: [N, T] -> [N]."""
    last: Floats = entropies[:, -1]
    return last


def pearson(x: Floats, y: Floats) -> float:
    """Pearson's correlation, 0 where `x` is constant."""
    return 0.0 if np.ptp(x) == 0 else float(np.corrcoef(x, y)[0, 1])


def rank_test(values: Floats, target: Floats) -> tuple[float, float]:
    """Spearman's correlation and its one-tailed p by pingouin; 0 and 1 where all are equal."""
    if np.ptp(values) == 0:
        return 0.0, 1.0
    test = pingouin.corr(values, target, method="spearman", alternative="greater")
    p_column = next(name for name in ("p_val", "p-val", "p") if name in test)  # pingouin renamed it
    return float(test["r"].iloc[0]), float(test[p_column].iloc[0])
