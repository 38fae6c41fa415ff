"""What else might explain a correlation: the category, simple image statistics, the last step's entropy.

Letters of shapes: N images, R repeats of cross-validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pingouin
from scipy.ndimage import sobel
from scipy.stats import rankdata
from sklearn.metrics import cohen_kappa_score

from rcnnzoo.plugin import DataError, read_image, reason
from rcnnzoo_behaviour.entries import TimeCourses
from rcnnzoo_behaviour.fitting import Floats, Integers, Reading
from rcnnzoo_behaviour.human import People

LEAST_COMMON = 20
"""Images that two must have judged for their agreement to mean anything."""


def image_statistics(folder: Path, people: People) -> pd.DataFrame:
    """Contrast and clutter of each image as people saw it: `contrast, clutter`.

    Contrast is the standard deviation of luminance (0 to 1); clutter is edge density, the mean size of luminance's
    gradient (Sobel's, a pixel).

    Raises:
        DataError: An image can't be read; the message says in which row it stands.
    """
    rows = []
    for file, place in zip(people.images["image"], people.places, strict=True):
        try:
            image = read_image(folder / file)
        except Exception as error:  # decoders raise anything
            raise DataError(
                f"{place}: {folder / file} is unreadable ({reason(error)}); repair it, or leave it out"
            ) from error
        luminance = np.asarray(image.convert("L"), dtype=np.float64) / 255
        edges = np.hypot(sobel(luminance, axis=0), sobel(luminance, axis=1)) / 8
        rows.append({"contrast": luminance.std(), "clutter": edges.mean()})
    return pd.DataFrame(rows)


def partial_correlation(standardised: Floats, uncertainty: npt.ArrayLike, given: pd.DataFrame) -> float:
    """Spearman correlation of ranks [R, N] with uncertainty given covariates [N, ...], averaged over repeats.

    Columns of numbers become ranks; a column of text becomes a column of 0 and 1 for each but one of its values. A
    covariate that does not vary says nothing and is left out; reaction times that are all equal count as 0. NaN where
    there are half as many covariates as images or more, as with nearly one category per image: too little is left.
    """
    numbers = given.select_dtypes("number")
    texts = [pd.get_dummies(given[name], drop_first=True, dtype=float) for name in given if name not in numbers]
    covariates = pd.concat([numbers.rank(), *texts], axis=1)
    covariates = covariates.loc[:, (covariates.nunique() > 1).to_numpy()]
    if 2 * covariates.shape[1] >= len(covariates):
        return np.nan
    covariates.columns = pd.Index([f"covariate {number}" for number in range(covariates.shape[1])])
    table = covariates.assign(doubt=rankdata(np.asarray(uncertainty)))
    found = []
    for ranks in standardised:
        if np.ptp(ranks) == 0:
            found.append(0.0)
            continue
        result = pingouin.partial_corr(table.assign(time=ranks), x="time", y="doubt", covar=list(covariates))
        found.append(float(result["r"].iloc[0]))
    return float(np.mean(found))


def agreement(correct: npt.NDArray[np.bool_], trials: pd.DataFrame, images: Sequence[str]) -> tuple[float, float]:
    """Cohen's kappa of errors: network with each person, and person with person, each averaged.

    0 means that two are wrong on the same images no more often than by chance (Geirhos, Meding & Wichmann 2020). NaN
    where no two ever erred.

    Args:
        correct: Whether the network is right, a row a repeat, [R, N].
        trials: As in `People`.
        images: Names of the N images.
    """
    answered = trials[trials["answer"].isin(["correct", "wrong"])]
    right = answered.assign(right=answered["answer"].eq("correct").astype(float))
    people = right.pivot_table(index="image", columns="subject", values="right").reindex(list(images)).to_numpy().T
    people = np.where(people > 0.5, 1.0, np.where(np.isnan(people), np.nan, 0.0))
    with_network = [kappa(network.astype(float), person) for network in correct for person in people]
    with_people = [kappa(one, other) for one, other in combinations(people, 2)]
    return tuple(float(np.nanmean(part)) if np.isfinite(part).any() else np.nan for part in (with_network, with_people))  # type: ignore[return-value]


def kappa(one: Floats, other: Floats) -> float:
    """Cohen's kappa of two that are right (1), wrong (0) or absent (NaN); NaN if either never errs on common images."""
    common = ~np.isnan(one) & ~np.isnan(other)
    if common.sum() < LEAST_COMMON or np.ptp(one[common]) == 0 or np.ptp(other[common]) == 0:
        return np.nan
    return float(cohen_kappa_score(one[common], other[common]))


def is_correct(probabilities: Floats, reaction_times: Integers, animate: Integers) -> npt.NDArray[np.bool_]:
    """Whether the network is right at its reaction time: [N, T], [R, N], [N] -> [R, N]; even is not."""
    at_reaction = probabilities[np.arange(len(animate)), reaction_times - 1]
    return np.where(animate == 1, at_reaction > 0.5, at_reaction < 0.5)


def beyond(
    reading: Reading, network: TimeCourses, people: People, doubt: Floats, statistics: pd.DataFrame
) -> dict[str, float]:
    """What time adds to what is known otherwise, accuracy, and agreement of errors: quantities by name.

    Args:
        reading: Of the network, on all images.
        network: Likewise.
        people: What people did.
        doubt: D, [N].
        statistics: Of the images, `contrast, clutter`.
    """
    animate = people.images["animate"].to_numpy(dtype=np.int64)
    category = pd.DataFrame({"category": people.category.to_numpy()})
    last = pd.DataFrame({"entropy": network.entropies[:, -1]})
    found = {
        f"partial correlation given {name}": partial_correlation(reading.standardised, doubt, given)
        for name, given in (
            ("entropy of the last step", last),
            ("category", category),
            ("contrast and clutter", statistics),
            ("all of these", pd.concat([last, category, statistics], axis=1)),
        )
    }
    correct = is_correct(network.probabilities, reading.reaction_times, animate)
    at_last = np.full((1, len(animate)), network.probabilities.shape[1])
    found["share correct at reaction time"] = float(correct.mean())
    found["share correct at the last step"] = float(is_correct(network.probabilities, at_last, animate).mean())
    if people.trials is not None:
        kappas = agreement(correct, people.trials, people.images["image"].tolist())
        for name, value in zip(("with people", "between people"), kappas, strict=True):
            found[f"agreement of errors {name} (kappa)"] = value
    return found
