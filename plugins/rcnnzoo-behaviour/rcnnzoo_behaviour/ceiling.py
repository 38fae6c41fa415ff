"""How high a correlation with people's uncertainty could be at all.

Spearman-Brown's correction is not used: it holds for Pearson correlations of sums, and fails for a Spearman correlation
of D, most of which is 0.

Letters of shapes: N images, P simulations, L levels of reaction time.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import betabinom, spearmanr

from rcnnzoo.plugin import RcnnzooWarning, percentiles
from rcnnzoo_behaviour.fitting import Floats, Integers, random_stream
from rcnnzoo_behaviour.human import LEAST_IMAGES, People
from rcnnzoo_behaviour.parallel import Advance

LEAST_PEOPLE = 4
"""Judgements of an image that it takes to halve them."""
APPROXIMATE = 0.05
"""How far a response model may be from the people it stands for, in correlation and in the share of D = 0, if not by
chance."""


class CeilingWarning(RcnnzooWarning):
    """A response model is too far from the people it stands for."""


@dataclass(frozen=True)
class ResponseModel:
    """The share of people who are right about an image is a draw from a mixture of two beta distributions.

    Attributes:
        weights: Of the two, [2].
        a: First parameter of each, [2].
        b: Second parameter of each, [2].
    """

    weights: Floats
    a: Floats
    b: Floats

    def draw(self, images: int, random: np.random.Generator) -> Floats:
        """Shares of images that there could be, [N]."""
        which = random.choice(len(self.weights), images, p=self.weights)
        return random.beta(self.a[which], self.b[which])


def fit_responses(n: Integers, n_correct: Integers) -> ResponseModel:
    """The mixture under which these counts are most likely; each image's count is beta-binomial.

    Args:
        n: Judgements of each image, [N].
        n_correct: The right ones among them, [N].
    """
    pairs, counts = np.unique(np.stack([n, n_correct]), axis=1, return_counts=True)

    def model(parameters: Floats) -> ResponseModel:
        first = expit(parameters[0])
        return ResponseModel(np.array([first, 1 - first]), np.exp(parameters[[1, 3]]), np.exp(parameters[[2, 4]]))

    def loss(parameters: Floats) -> float:
        guess = model(parameters)
        likelihood: Floats = guess.weights @ betabinom.pmf(pairs[1], pairs[0], guess.a[:, None], guess.b[:, None])
        return float(-counts @ np.log(np.maximum(likelihood, 1e-300)))

    bounds = [(-6.0, 6.0), *[(-5.0, 7.0)] * 4]
    starts = [(1.0, 3.0, -1.0, 1.0, 0.0), (0.0, 2.0, 0.0, 1.0, 1.0), (2.0, 4.0, 0.0, 2.0, 0.5)]
    fits = [minimize(loss, np.array(start), method="L-BFGS-B", bounds=bounds) for start in starts]
    return model(min(fits, key=lambda fit: float(fit.fun)).x)


def share_to_uncertainty(shares: npt.NDArray[np.floating]) -> Floats:
    """D of shares of correct judgements, of any shape; rounded, so that equal doubts are equal numbers."""
    return np.round(0.5 - abs(0.5 - shares), 12)


def halves_of_counts(n: Integers, n_correct: Integers, number: int, random: np.random.Generator) -> float:
    """Spearman correlation of D between random halves of each image's judgements, averaged over P halvings."""
    first = random.hypergeometric(n_correct, n - n_correct, n // 2, size=(number, len(n)))
    shares = share_to_uncertainty(first / (n // 2)), share_to_uncertainty((n_correct - first) / (n - n // 2))
    return float(np.mean([correlate(*pair) for pair in zip(*shares, strict=True)]))


def halves_of_people(trials: pd.DataFrame, number: int, random: np.random.Generator) -> float:
    """Spearman correlation of D between random halves of the people, averaged over P halvings.

    NaN where halves have hardly any images in common, as those of a single person.
    """
    answered = trials[trials["answer"].isin(["correct", "wrong"])]
    cells = answered.assign(right=answered["answer"] == "correct").pivot_table(
        index="image", columns="subject", values="right", aggfunc=["sum", "count"], fill_value=0
    )
    right: Floats = cells["sum"].to_numpy(dtype=np.float64)  # [N, people]
    count: Floats = cells["count"].to_numpy(dtype=np.float64)
    people = right.shape[1]
    found = []
    for _ in range(number):
        half = np.zeros(people)
        half[random.permutation(people)[: people // 2]] = 1
        totals = count @ half, count @ (1 - half)
        seen = (totals[0] > 0) & (totals[1] > 0)
        if seen.sum() < LEAST_IMAGES:
            return np.nan
        one, two = (
            share_to_uncertainty((right @ part)[seen] / total[seen])
            for part, total in zip((half, 1 - half), totals, strict=True)
        )
        found.append(correlate(one, two))
    return float(np.mean(found))


def correlate(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> float:
    """Spearman's, and 0 where either is constant."""
    return 0.0 if np.ptp(x) == 0 or np.ptp(y) == 0 else float(spearmanr(x, y).statistic)


def tie(values: Floats, shares: Floats, random: np.random.Generator) -> Integers:
    """Values in order, cut into levels of these shares [L]: the level of each, [N]; equal values in random order.

    >>> tie(np.array([3.0, 1.0, 2.0, 4.0]), np.array([0.5, 0.25, 0.25]), np.random.default_rng(0)).tolist()
    [1, 0, 0, 2]
    """
    order = np.lexsort((random.random(len(values)), values))
    level = np.empty(len(values), dtype=np.int64)
    edges = np.rint(np.cumsum(shares)[:-1] * len(values))
    level[order] = np.searchsorted(edges, np.arange(len(values)), side="right")
    return level


def tied_shares(reaction_times: Integers, steps: int) -> Floats:
    """Share of images at each reaction time, averaged over repeats: [R, N] -> [T]."""
    return np.bincount(reaction_times.ravel(), minlength=steps + 1)[1:] / reaction_times.size


@dataclass(frozen=True)
class Ceilings:
    """Rows of the table as they are found, all for the same images.

    Attributes:
        images: How many.
        rows: `ceiling, network, images, value, trusted`.
    """

    images: int
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, ceiling: str, value: float, network: str = "", *, trusted: bool = True) -> None:
        """A row."""
        self.rows.append(
            {"ceiling": ceiling, "network": network, "images": self.images, "value": value, "trusted": trusted}
        )


def ceilings(
    people: People, shares: dict[str, Floats], number: int, seed: int, advance: Advance = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How high correlations with D could be, one row per ceiling and network; and what the response model reproduces.

    Rows of the column `ceiling`:
        half: Half of the people against the other half, uncorrected.
        true D: The response model's true D against simulated D, with as many ties as a network's reaction times.
        true D, without ties: Likewise, for what ties no images.
        noise-free: The most that reaction times with these ties could reach: D itself, tied alike.

    The second table, `quantity, images, people, modelled`, has the correlation of halves and the share of images with
    D = 0, of people and of the response model's, which must be alike.

    All but the last kind come from the images with at least 4 judgements; `images` says how many. Rows of a response
    model that does not reproduce the people are not `trusted`, and a warning says so.

    Args:
        people: What people did.
        shares: Share of images at each reaction time [T] of each network; one share an image means no ties.
        number: P.
        seed: Of halvings and simulations.
        advance: Told how many are done.
    """
    random = random_stream(seed, "ceilings")
    doubt = share_to_uncertainty(people.images["uncertainty"].to_numpy(dtype=float))
    found = Ceilings(len(doubt))
    for network, share in shares.items():
        found.add("noise-free", correlate(tie(doubt, share, random).astype(float), doubt), network)
    nothing = pd.DataFrame(columns=["quantity", "images", "people", "modelled"])
    judged = often_judged(people)
    if judged.sum() < LEAST_IMAGES:
        return _table(found), nothing
    images = people.images[judged]
    n, n_correct = (images[name].to_numpy(dtype=np.int64) for name in ("n", "n_correct"))
    if people.trials is None:
        half = halves_of_counts(n, n_correct, number, random)
    else:
        half = halves_of_people(people.trials[people.trials["image"].isin(images["image"])], number, random)
    if np.isnan(half):  # nor could a response model be checked
        return _table(found), nothing
    of_people = Ceilings(len(images), found.rows)
    of_people.add("half, of judgements" if people.trials is None else "half, of people", half)
    zero = float(np.mean(doubt[judged] == 0))
    modelled = _modelled(of_people, fit_responses(n, n_correct), n, (half, zero), shares, number, random, advance)
    crowds = [
        {"quantity": quantity, "images": len(images), "people": of_crowd, "modelled": of_model}
        for quantity, of_crowd, of_model in zip(
            ("correlation of halves", "share of images with D = 0"), (half, zero), modelled, strict=True
        )
    ]
    return _table(of_people), pd.DataFrame(crowds)


def _table(found: Ceilings) -> pd.DataFrame:
    return pd.DataFrame(found.rows, columns=["ceiling", "network", "images", "value", "trusted"])


def often_judged(people: People) -> npt.NDArray[np.bool_]:
    """Which images have so many judgements that these can be halved, [N]."""
    images = people.images
    if not {"n", "n_correct"} <= set(images):
        return np.zeros(len(images), dtype=bool)
    return images["n"].to_numpy(dtype=np.int64) >= LEAST_PEOPLE


def _modelled(
    found: Ceilings,
    model: ResponseModel,
    n: Integers,
    wanted: tuple[float, float],
    shares: dict[str, Floats],
    number: int,
    random: np.random.Generator,
    advance: Advance,
) -> tuple[float, float]:
    """Add what the response model says, averaged over simulated crowds; its own halves and share of D = 0."""
    halves, zeros, true = [], [], []
    tied: dict[str, list[float]] = {network: [] for network in shares}
    for _ in range(number):
        share = model.draw(len(n), random)
        n_correct = random.binomial(n, share)
        seen, truth = share_to_uncertainty(n_correct / n), 0.5 - abs(0.5 - share)
        halves.append(halves_of_counts(n, n_correct, 1, random))
        zeros.append(float(np.mean(seen == 0)))
        true.append(correlate(truth, seen))
        for network, ties in shares.items():
            tied[network].append(correlate(tie(truth, ties, random).astype(float), seen))
        if advance is not None:
            advance(1)
    half, zero = float(np.mean(halves)), float(np.mean(zeros))
    trusted = _reproduces(halves, wanted[0]) and _reproduces(zeros, wanted[1])
    if not trusted:
        warnings.warn(
            f"the response model gives a correlation of halves of {half:.2f} (people {wanted[0]:.2f}) and a share of "
            f"images with D = 0 of {zero:.2f} (people {wanted[1]:.2f}): its ceilings can't be trusted and aren't drawn",
            CeilingWarning,
            stacklevel=2,
        )
    found.add("true D, without ties", float(np.mean(true)), trusted=trusted)
    for network, values in tied.items():
        found.add("true D", float(np.mean(values)), network, trusted=trusted)
    return half, zero


def _reproduces(crowds: Sequence[float], wanted: float) -> bool:
    """Whether simulated crowds are like the people: nearly, or as nearly as so few images allow."""
    low, high = percentiles(np.array(crowds))
    return bool(abs(np.mean(crowds) - wanted) <= APPROXIMATE or low <= wanted <= high)
