"""How high a correlation with people's uncertainty could be at all.

Spearman-Brown's correction is not used: it holds for Pearson correlations of sums, and fails for a Spearman correlation
of D, most of which is 0.

Letters of shapes: N images, P simulations, L levels of reaction time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import betabinom, spearmanr

from rcnnzoo_behaviour.fitting import Floats, Integers
from rcnnzoo_behaviour.human import People

Advance = Callable[[int], None] | None
LEAST_PEOPLE = 4
"""Judgements of an image that it takes to halve them."""
APPROXIMATE = 0.05
"""How far a response model may be from the people it stands for, in correlation and in the share of D = 0."""


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
    """Spearman correlation of D between random halves of the people, averaged over P halvings."""
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


def ceilings(
    people: People, shares: dict[str, Floats], number: int, seed: int, advance: Advance = None
) -> pd.DataFrame:
    """How high correlations with D could be: a row a ceiling and network.

    Rows of the column `ceiling`:
        half: Half of the people against the other half, uncorrected.
        half, modelled: The same of the response model's people, which must be alike.
        share of D = 0; share of D = 0, modelled: Likewise.
        true D: The response model's true D against simulated D, with as many ties as a network's reaction times.
        noise-free: The most that reaction times with these ties could reach: D itself, tied alike.

    Args:
        people: What people did.
        shares: Share of images at each reaction time [T] of each network; one share an image means no ties.
        number: P.
        seed: Of halvings and simulations.
        advance: Told how many are done.
    """
    random = np.random.default_rng(seed)
    images = people.images
    doubt = share_to_uncertainty(images["uncertainty"].to_numpy(dtype=float))
    rows: list[dict[str, object]] = []

    def row(ceiling: str, value: float, network: str = "") -> None:
        rows.append({"ceiling": ceiling, "network": network, "value": value})

    row("share of D = 0", float(np.mean(doubt == 0)))
    if {"n", "n_correct"} <= set(images):
        n, n_correct = (images[name].to_numpy(dtype=np.int64) for name in ("n", "n_correct"))
        if n.min() >= LEAST_PEOPLE:
            by_person = people.trials is not None
            half = (
                halves_of_people(people.trials, number, random)
                if people.trials is not None
                else halves_of_counts(n, n_correct, number, random)
            )
            row("half, of people" if by_person else "half, of judgements", half)
            _modelled(fit_responses(n, n_correct), n, shares, number, random, row, advance)
    for network, share in shares.items():
        row("noise-free", correlate(tie(doubt, share, random).astype(float), doubt), network)
    return pd.DataFrame(rows)


def _modelled(
    model: ResponseModel,
    n: Integers,
    shares: dict[str, Floats],
    number: int,
    random: np.random.Generator,
    row: Callable[..., None],
    advance: Advance,
) -> None:
    """What the response model says, averaged over simulated crowds."""
    halves, zeros, true = [], [], []
    found: dict[str, list[float]] = {network: [] for network in shares}
    for _ in range(number):
        share = model.draw(len(n), random)
        n_correct = random.binomial(n, share)
        seen, truth = share_to_uncertainty(n_correct / n), 0.5 - abs(0.5 - share)
        halves.append(halves_of_counts(n, n_correct, 1, random))
        zeros.append(float(np.mean(seen == 0)))
        true.append(correlate(truth, seen))
        for network, ties in shares.items():
            found[network].append(correlate(tie(truth, ties, random).astype(float), seen))
        if advance is not None:
            advance(1)
    row("half, modelled", float(np.mean(halves)))
    row("share of D = 0, modelled", float(np.mean(zeros)))
    row("true D, without ties", float(np.mean(true)))
    for network, values in found.items():
        row("true D", float(np.mean(values)), network)
