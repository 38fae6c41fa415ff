"""Animate or inanimate? One classifier per time step on a frozen network's features; it never uses what people did.

Letters of shapes: N images, T time steps, F features (they may differ between steps).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rcnnzoo.plugin import DataError, policy
from rcnnzoo.plugin import readout as look_up_readout
from rcnnzoo_behaviour.fitting import Floats, Integers, random_stream, stratified_folds
from rcnnzoo_behaviour.parallel import Advance, in_parts

STRENGTHS = 10.0 ** np.arange(-5, 2)
"""Inverse regularisations to choose from, from strong to weak, for standardised features."""
INNER = 3
"""Folds inside the training images, by which the regularisation is chosen."""
LEAST_OF_KIND = 2 * INNER
"""Animate, and inanimate, images that classifiers need: some of each are then left in every fold inside."""
Features = Sequence[npt.NDArray[np.float32]]


def check_kinds(animate: Integers, source: Path, folds: int = 0) -> None:
    """Refuse images with which classifiers can't be fitted.

    Args:
        animate: 1 or 0 for each image.
        source: Where that stands.
        folds: Of the cross-fitting, each of which needs both kinds.

    Raises:
        DataError: There are too few animate or inanimate images.
    """
    counts = np.bincount(animate, minlength=2)
    least = max(LEAST_OF_KIND, folds)
    for kind, count in zip(("inanimate", "animate"), counts, strict=True):
        if count < least:
            fewer = f", or fewer `folds` than {folds}" if count >= LEAST_OF_KIND else ""
            raise DataError(f"{source}: {count} of the images are {kind}; classifiers need {least}, give more{fewer}")


def features_of(trace: xr.Dataset) -> list[npt.NDArray[np.float32]]:
    """What each step's classifier saw: an array [N, F] a step."""
    return [trace[f"features_{step}"].to_numpy() for step in range(1, trace.sizes["step"] + 1)]


def cross_fit(
    features: Features, animate: Integers, strata: npt.ArrayLike, folds: int, seed: int, advance: Advance = None
) -> Floats:
    """Log odds of "animate" for each image and step, each from a classifier that was fitted without the image: [N, T].

    Args:
        features: An array [N, F] a step.
        animate: 1 or 0 for each image.
        strata: Category of each image; folds hold all in proportion.
        folds: How many.
        seed: Of the folds.
        advance: Told how many classifiers are done.
    """
    keys = [f"{kind} {stratum}" for kind, stratum in zip(animate, np.asarray(strata), strict=True)]
    fold = stratified_folds(keys, folds, 1, seed, "classifiers")[0]
    jobs = [(step, left_out) for step in range(len(features)) for left_out in range(folds)]
    odds = np.empty((len(animate), len(features)))

    def fit_part(part: slice) -> None:
        for step, left_out in jobs[part]:
            here = fold == left_out
            decide = fit_classifier(features[step][~here], animate[~here], seed)
            odds[here, step] = decide(features[step][here])

    with _quiet():
        in_parts(fit_part, len(jobs), advance, part=1)
    return odds


def fit_elsewhere(
    training: Features, labels: Integers, features: Features, seed: int, advance: Advance = None
) -> Floats:
    """As `cross_fit`, from classifiers that were fitted to other images [N', F] with labels [N']."""
    odds = np.empty((len(features[0]), len(features)))

    def fit_part(part: slice) -> None:
        for step in range(part.start, part.stop):
            odds[:, step] = fit_classifier(training[step], labels, seed)(features[step])

    with _quiet():
        in_parts(fit_part, len(features), advance, part=1)
    return odds


def fit_classifier(features: npt.NDArray[np.floating], animate: Integers, seed: int) -> Callable[..., Floats]:
    """A logistic regression on standardised features; its regularisation has the least log loss in folds inside.

    Returns:
        The function from features [N, F] to log odds [N].
    """
    inside = StratifiedKFold(INNER, shuffle=True, random_state=int(random_stream(seed, "strength").integers(2**31)))
    regression = LogisticRegressionCV(
        Cs=STRENGTHS,
        l1_ratios=(0,),
        cv=inside,
        scoring="neg_log_loss",
        max_iter=300,
        tol=1e-3,
        use_legacy_attributes=False,
    )
    fitted = make_pipeline(StandardScaler(), regression).fit(features, animate)
    log_odds: Callable[..., Floats] = fitted.decision_function
    return log_odds


@contextmanager
def _quiet() -> Iterator[None]:
    """For all threads at once, as filters are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # weak regularisation may not converge; it then loses
        yield


def accumulate(odds: Floats, readout: str) -> tuple[Floats, Floats]:
    """The readout's probability of "animate" and its entropy (nats) at each step: log odds [N, T] -> two of [N, T].

    Raises:
        UnknownName: There is no such readout.
    """
    logits = torch.stack([torch.zeros(odds.shape), torch.from_numpy(odds).float()], dim=-1)
    probabilities = look_up_readout(readout)(logits)
    entropies = policy("entropy").scores(probabilities)
    return probabilities[..., 1].double().numpy(), entropies.double().numpy()
