"""Dissimilarities against SciPy's and by hand; what is not defined is not made up."""

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from rcnnzoo.analysis import dissimilarity
from rcnnzoo.analysis.dissimilarity import arranged, as_square, dissimilarities, similarity
from rcnnzoo.errors import OptionError, TraceError

IMAGES, UNITS = 6, 50


def tree(seed=0, layers=("one", "two"), images=IMAGES, shift=0.0):
    random = np.random.default_rng(seed)
    nodes = {"/": xr.Dataset(coords={"image": [f"{number}.png" for number in range(images)]}, attrs={"name": "net"})}
    for number, layer in enumerate(layers):
        steps = [1, 2, 3] if number == 0 else [2]
        values = random.normal(size=(images, len(steps), UNITS)).astype(np.float32) + shift
        nodes[f"/{layer}"] = xr.Dataset(
            {"activations": (("image", "step", "unit"), values)}, coords={"step": ("step", steps)}
        )
    return xr.DataTree.from_dict(nodes)


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
def test_they_are_scipys(metric, monkeypatch):
    monkeypatch.setattr(dissimilarity, "READ_BYTES", 8 * IMAGES * 7)  # seven units at once
    given = tree(shift=3.0)
    found = dissimilarities([given], metric)
    assert found.dims == ("layer", "step", "pair")
    for layer in ("one", "two"):
        for step in given[layer]["step"].to_numpy():
            values = given[layer]["activations"].sel(step=step).to_numpy().astype(float)
            expected = pdist(values, metric) / (np.sqrt(UNITS) if metric == "euclidean" else 1)
            np.testing.assert_allclose(found.sel(layer=layer, step=step), expected, rtol=1e-9, atol=1e-12)
    assert np.isnan(found.sel(layer="two", step=1)).all()  # it has no such step
    assert (found["first"][5].item(), found["second"][5].item()) == ("1.png", "2.png")


def test_crossnobis_by_hand():
    """Mean over pairs of measurements of the product of differences, over units."""
    trees = [tree(seed) for seed in range(3)]
    found = dissimilarities(trees, "crossnobis").sel(layer="one", step=2).to_numpy()
    values = [one["one"]["activations"].sel(step=2).to_numpy().astype(float) for one in trees]
    for place, (i, j) in enumerate(zip(*np.triu_indices(IMAGES, 1), strict=True)):
        gaps = [each[i] - each[j] for each in values]
        products = [gaps[a] @ gaps[b] / UNITS for a in range(3) for b in range(a)]
        assert found[place] == pytest.approx(np.mean(products))


def test_crossnobis_of_noise_is_zero_on_average_and_euclidean_is_not():
    """100 units of noise, 40 images: the standard error of the mean over 780 pairs is below 0.02."""
    noise = [tree(seed, ("one",), images=40) for seed in (1, 2)]
    assert abs(float(dissimilarities(noise, "crossnobis").mean())) < 0.1
    assert float(dissimilarities(noise[:1], "euclidean").mean()) > 1


def test_a_pattern_without_variance_has_no_correlation():
    given = tree(layers=("one",))
    given["one"]["activations"][2] = 1.0
    found = as_square(dissimilarities([given]).sel(step=1).squeeze())
    assert np.isnan(found[2, [0, 1, 3, 4, 5]]).all()
    assert np.isfinite(found[np.ix_([0, 1, 3, 4, 5], [0, 1, 3, 4, 5])]).all()


def test_similarity_is_spearmans():
    rdms = dissimilarities([tree()])
    table, found = similarity(rdms)
    assert table.to_numpy().tolist() == [["one", 1], ["one", 2], ["one", 3], ["two", 2]]
    expected = spearmanr(rdms.sel(layer="one", step=3), rdms.sel(layer="two", step=2)).statistic
    assert found[2, 3] == pytest.approx(expected)


def test_distances_in_the_plane_are_those_that_fit_into_it():
    """Three corners of a triangle fit exactly."""
    correlations = np.array([[1, 0.5, 0.6], [0.5, 1, 0.7], [0.6, 0.7, 1]])
    places = arranged(correlations)
    found = [np.linalg.norm(places[a] - places[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert found == pytest.approx([0.5, 0.4, 0.3], abs=0.01)


def test_what_can_not_be_measured_is_refused():
    with pytest.raises(OptionError, match="3 images: dissimilarities are compared over at least 4"):
        dissimilarities([tree(images=3)])
    with pytest.raises(OptionError, match="crossnobis needs repeated measurements"):
        dissimilarities([tree()], "crossnobis")
    with pytest.raises(OptionError, match="takes one measurement, and 2 are named"):
        dissimilarities([tree(), tree(1)])
    with pytest.raises(TraceError, match="of other images"):
        dissimilarities([tree(), tree(images=7)], "crossnobis")
    with pytest.raises(TraceError, match="differ in the layer two"):
        dissimilarities([tree(), tree(layers=("one", "three"))], "crossnobis")
