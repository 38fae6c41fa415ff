"""The animacy readout: accumulated as readouts do, cross-fitted, and never to the image itself."""

import math
from pathlib import Path

import numpy as np
import pytest

from rcnnzoo.errors import DataError
from rcnnzoo_behaviour.animacy import accumulate, check_kinds, cross_fit, fit_elsewhere


def test_probabilities_accumulate_as_readouts_do():
    probabilities, entropies = accumulate(np.array([[0.0, math.log(3)]]), "cumulative")
    np.testing.assert_allclose(probabilities, [[0.5, (0.5 + 0.75) / 2]], atol=1e-6)
    wanted = -(0.625 * math.log(0.625) + 0.375 * math.log(0.375))
    np.testing.assert_allclose(entropies, [[math.log(2), wanted]], atol=1e-6)


@pytest.fixture(scope="module")
def features():
    random = np.random.default_rng(0)
    animate = np.arange(120) % 2
    useful = (animate[:, None] + random.normal(0, 0.4, (120, 3))).astype(np.float32)
    return [random.normal(size=(120, 5)).astype(np.float32), useful], animate


def test_classifiers_are_fitted_a_step_and_never_to_the_image_itself(features):
    seen, animate = features
    odds = cross_fit(seen, animate, animate, 10, seed=0)
    right = ((odds > 0) == animate[:, None]).mean(axis=0)
    assert right[1] > 0.9
    assert 0.3 < right[0] < 0.7  # on noise, an image that was fitted would be known
    elsewhere = fit_elsewhere([part[:60] for part in seen], animate[:60], seen, seed=0)
    assert ((elsewhere[60:, 1] > 0) == animate[60:]).mean() > 0.9


@pytest.mark.parametrize(("number", "folds"), [(6, 6), (6, 2), (10, 10)])
def test_as_few_of_a_kind_as_are_let_through_are_enough_for_all_folds(features, number, folds):
    seen, _ = features
    few = np.where(np.arange(120) < number, 1, 0)
    check_kinds(few, Path("people.csv"), folds)
    strata = np.arange(120)  # one category per image
    assert np.isfinite(cross_fit([seen[1]], few, strata, folds, seed=0)).all()


def test_fewer_of_a_kind_are_said_to_be_too_few():
    few = np.where(np.arange(120) < 5, 1, 0)
    with pytest.raises(DataError, match=r"x: 5 of the images are animate; classifiers need 10, give more$"):
        check_kinds(few, Path("x"), 10)
    with pytest.raises(DataError, match=r"x: 5 of the images are inanimate; classifiers need 6, give more$"):
        check_kinds(1 - few, Path("x"))
    few[:8] = 1
    with pytest.raises(DataError, match=r"x: 8 of .* need 10, give more, or fewer `folds` than 10$"):
        check_kinds(few, Path("x"), 10)
