"""How well dissimilarities of layers and time steps, and of other models, correlate with those of brains."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, redirect_stderr
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata
from statsmodels.stats.multitest import multipletests

from rcnnzoo.plugin import OptionError
from rcnnzoo_brain.inference import flip_signs
from rcnnzoo_brain.reading import Brain

Floats = npt.NDArray[np.float64]
METHODS = ("spearman", "tau-a", "corr", "cosine", "corr_cov", "cosine_cov")
"""rsatoolbox's, of which the last two are whitened."""


def as_rdms(pairs: Floats) -> Any:
    """Rsatoolbox's own object from dissimilarities, [R, P]."""
    from rsatoolbox.rdm import RDMs  # slow to import

    return RDMs(np.ascontiguousarray(pairs))


def correlate(models: Floats, brain: Floats, method: str = METHODS[0], partial: Floats | None = None) -> Floats:
    """Each model with each subject at each time, NaN where a model is not there.

    Args:
        models: Dissimilarities [..., P], NaN where there are none.
        brain: Dissimilarities [subject, time, P].
        method: One of rsatoolbox's.
        partial: Dissimilarities of models whose share is taken out of both, [C, P]: partial Spearman correlation.

    Returns:
        [subject, ..., time].

    Raises:
        OptionError: Another method than Spearman's is asked for together with `partial`.
    """
    subjects, times, pairs = brain.shape
    flat, whole = models.reshape(-1, pairs), brain.reshape(-1, pairs)
    there = np.isfinite(flat).all(axis=1)
    found = np.full((len(flat), len(whole)), np.nan)
    if there.any():
        if partial is not None and len(partial):
            if method != METHODS[0]:
                raise OptionError(f"`method` {method}: other models are taken out by Spearman's correlation alone")
            found[there] = _correlations(_residuals(flat[there], partial), _residuals(whole, partial))
        elif method == METHODS[0]:
            found[there] = _correlations(rankdata(flat[there], axis=1), rankdata(whole, axis=1))
        else:
            from rsatoolbox.rdm import compare  # slow to import

            found[there] = compare(as_rdms(flat[there]), as_rdms(whole), method)
    return np.moveaxis(found.reshape(*models.shape[:-1], subjects, times), -2, 0)


def _residuals(pairs: Floats, partial: Floats) -> Floats:
    """Ranks without what ranks of other models explain linearly, [R, P]."""
    basis = np.column_stack([np.ones(pairs.shape[1]), rankdata(partial, axis=1).T])
    ranks = rankdata(pairs, axis=1).T
    return np.asarray((ranks - basis @ np.linalg.lstsq(basis, ranks, rcond=None)[0]).T)


def _correlations(a: Floats, b: Floats) -> Floats:
    """Pearson's correlations of rows, [R, S]; NaN of a row without variance."""
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = ((rows - rows.mean(axis=1, keepdims=True)) for rows in (a, b))
        a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (a, b))
    return np.asarray(a @ b.T)


def ceilings(brain: Floats, method: str = METHODS[0]) -> Floats:
    """Lower and upper noise ceiling at each time, [2, time]; NaN with a single subject.

    The upper one is the mean correlation of subjects with the mean of all, the lower one with the mean of the others
    (Nili et al. 2014, doi 10.1371/journal.pcbi.1003553); computed by rsatoolbox.
    """
    if len(brain) < 2:
        return np.full((2, brain.shape[1]), np.nan)
    from rsatoolbox.inference.noise_ceiling import boot_noise_ceiling  # slow to import

    found = [boot_noise_ceiling(as_rdms(brain[:, time]), method) for time in range(brain.shape[1])]
    return np.array(found, dtype=np.float64).T


def reliability(brain: Brain) -> list[float]:
    """Each subject's mean Spearman correlation between sessions, over times; NaN with a single session."""
    found = []
    for sessions in brain.sessions:
        ranks = rankdata(sessions, axis=-1)
        pairs = [
            np.diagonal(_correlations(ranks[a], ranks[b])).mean() for a, b in combinations(range(len(sessions)), 2)
        ]
        found.append(float(np.mean(pairs)) if pairs else float("nan"))
    return found


def state_table(
    correlations: Floats,
    layers: Sequence[str],
    steps: Sequence[int],
    times: Sequence[float | None],
    flips: int,
    seed: int,
) -> pd.DataFrame:
    """One row per layer, step and time that is there: mean over subjects, and p values of means above zero.

    Args:
        correlations: [subject, layer, step, time].
        layers: Their names.
        steps: Their numbers.
        times: Those of the brain.
        flips: Patterns of signs where there are too many to try all.
        seed: Random seed of these.
    """
    p, corrected = flip_signs(correlations, flips, seed)
    measured = {"correlation": correlations.mean(axis=0), "p": p, "p_corrected": corrected}
    return pd.DataFrame([about | values for _, about, values in _states(measured, layers, steps, times)])


def _states(
    measured: Mapping[str, Floats], layers: Sequence[str], steps: Sequence[int], times: Sequence[float | None]
) -> Iterator[tuple[int, dict[str, Any], dict[str, float]]]:
    """Each layer's number, names and values of each state and time that is there, by the first of what was measured."""
    first = next(iter(measured.values()))
    for layer, step, time in np.argwhere(np.isfinite(first)):
        about = {"layer": layers[layer], "step": steps[step], "time": times[time]}
        yield layer, about, {name: values[layer, step, time] for name, values in measured.items()}


def with_first_step(
    correlations: Floats,
    layers: Sequence[str],
    steps: Sequence[int],
    times: Sequence[float | None],
    flips: int,
    seed: int,
) -> pd.DataFrame:
    """Whether a layer's later steps correlate otherwise with the brain than its first, two-sided: a row for each.

    Args: as `state_table`.
    """
    first = np.full((*correlations.shape[:2], correlations.shape[3]), np.nan)
    begins = {}
    for layer in range(len(layers)):
        there = np.flatnonzero(np.isfinite(correlations[0, layer]).all(axis=-1))
        if len(there):
            first[:, layer], begins[layer] = correlations[:, layer, there[0]], there[0]
    differences = correlations - first[:, :, None]
    for layer, step in begins.items():
        differences[:, layer, step] = np.nan
    p, corrected = flip_signs(differences, flips, seed, two_sided=True)
    measured = {"difference": differences.mean(axis=0), "p": p, "p_corrected": corrected}
    return pd.DataFrame(
        [
            {**about, "first": steps[begins[layer]], **values}
            for layer, about, values in _states(measured, layers, steps, times)
        ],
        columns=["layer", "step", "first", "time", "difference", "p", "p_corrected"],
    )


def chosen_elsewhere(correlations: Floats) -> Floats:
    """Each subject's correlation at the layer, step and time that is best for the mean of the others, [subject].

    Chosen so, the best of many states has no advantage. With a single subject there are no others: NaN.
    """
    subjects = len(correlations)
    flat = correlations.reshape(subjects, -1)
    if subjects < 2:
        return np.full(1, np.nan)
    found = []
    for subject in range(subjects):
        others = np.delete(flat, subject, axis=0).mean(axis=0)
        found.append(flat[subject, np.nanargmax(others)])
    return np.array(found)


def compare_all(by_subject: Mapping[str, Floats], flips: int, seed: int) -> pd.DataFrame:
    """Each pair of networks and models, two-sided: mean difference of subjects' correlations, p by flipped signs.

    `p_holm` is corrected over pairs (Holm).
    """
    rows = []
    for a, b in combinations(by_subject, 2):
        difference = (by_subject[a] - by_subject[b])[:, None]
        p = flip_signs(difference, flips, seed, two_sided=True)[0][0]
        rows.append({"a": a, "b": b, "difference": float(difference.mean()), "p": float(p)})
    table = pd.DataFrame(rows, columns=["a", "b", "difference", "p"])
    known = table["p"].notna()
    table["p_holm"] = np.nan
    if known.any():
        table.loc[known, "p_holm"] = multipletests(table.loc[known, "p"], method="holm")[1]
    return table


def bootstrapped(models: Mapping[str, Floats], brain: Floats, method: str, samples: int, seed: int) -> pd.DataFrame:
    """95 % intervals over subjects and images together, of models at one time: `model, correlation, low, high`.

    rsatoolbox's two-factor bootstrap (Schütt et al. 2023, doi 10.7554/eLife.82566); intervals by Student's t.

    Args:
        models: Dissimilarities [P] by name.
        brain: Dissimilarities [subject, P].
        method: One of rsatoolbox's.
        samples: Bootstrap samples.
        seed: Random seed.
    """
    from rsatoolbox.inference import eval_dual_bootstrap  # slow to import
    from rsatoolbox.model import ModelFixed

    before = np.random.get_state()
    np.random.seed(seed)
    try:
        fixed = [ModelFixed(name, as_rdms(pairs[None])) for name, pairs in models.items()]
        # It draws a bar, which belongs on a terminal alone.
        with nullcontext() if sys.stderr.isatty() else redirect_stderr(io.StringIO()):
            result = eval_dual_bootstrap(fixed, as_rdms(brain), method=method, N=samples)
    finally:
        np.random.set_state(before)
    low, high = result.get_ci(0.95)
    return pd.DataFrame({"model": list(models), "correlation": result.get_means(), "low": low, "high": high})
