"""Controls, against hand calculations and other libraries."""

import math

import numpy as np
import pandas as pd
import pingouin
import pytest
from PIL import Image
from scipy.stats import rankdata

from rcnnzoo.errors import DataError
from rcnnzoo_behaviour.controls import agreement, image_statistics, is_correct, kappa, partial_correlation
from rcnnzoo_behaviour.human import People


def test_partial_correlations_are_pingouins():
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(60, 3)), columns=["time", "doubt", "given"])
    table["time"] += table["given"]
    wanted = pingouin.partial_corr(table, "time", "doubt", "given", method="spearman")["r"].iloc[0]
    ranks = rankdata(table["time"])[None] / 60
    assert partial_correlation(ranks, table["doubt"], table[["given"]]) == pytest.approx(wanted)
    assert partial_correlation(np.full((1, 60), 0.5), table["doubt"], table[["given"]]) == 0


def test_given_a_category_only_what_is_left_within_counts():
    random = np.random.default_rng(1)
    category = np.repeat(["a", "b", "c"], 40)
    base = np.repeat([0.0, 1.0, 2.0], 40)
    time, doubt = base + 0.1 * random.random(120), base + 0.1 * random.random(120)
    standardised = (rankdata(time) / 120)[None]
    assert np.corrcoef(standardised[0], rankdata(doubt))[0, 1] > 0.8
    assert abs(partial_correlation(standardised, doubt, pd.DataFrame({"category": category}))) < 0.25


def test_given_nearly_a_category_an_image_there_is_nothing_to_correlate():
    random = np.random.default_rng(1)
    standardised = random.random((2, 40))
    for values, known in ((38, False), (21, False), (20, True)):
        category = pd.DataFrame({"category": (np.arange(40) % values).astype(str)})
        assert math.isfinite(partial_correlation(standardised, random.random(40), category)) == known


def test_statistics_of_images_by_hand(tmp_path):
    flat, edge = np.full((8, 8), 100, dtype=np.uint8), np.zeros((8, 8), dtype=np.uint8)
    edge[:, 4:] = 255
    for name, pixels in (("flat.png", flat), ("edge.png", edge)):
        Image.fromarray(pixels).save(tmp_path / name)
    people = People(pd.DataFrame({"image": ["flat.png", "edge.png"]}), places=["x.csv, row 2", "x.csv, row 3"])
    table = image_statistics(tmp_path, people)
    assert table["contrast"].tolist() == [0, 0.5]
    # Two of eight columns touch the edge; a step of 1 is a gradient of 1/2 on each side.
    np.testing.assert_allclose(table["clutter"], [0, 2 / 8 * 0.5])
    (tmp_path / "edge.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"x\.csv, row 3: .*edge.png is unreadable \(.*\); repair it, or leave it out"):
        image_statistics(tmp_path, people)


def test_kappa_by_hand():
    one = np.array([1, 1, 1, 0] * 10, dtype=float)
    other = np.array([1, 1, 0, 0] * 10, dtype=float)
    expected = 0.75 * 0.5 + 0.25 * 0.5
    assert kappa(one, other) == pytest.approx((0.75 - expected) / (1 - expected))
    assert math.isnan(kappa(one, np.ones(40)))
    people = pd.DataFrame(
        [
            {"subject": person, "image": str(image), "answer": "correct" if values[image] else "wrong"}
            for person, values in (("a", one), ("b", other))
            for image in range(40)
        ]
    )
    with_network, between = agreement(one[None] == 1, people, [str(image) for image in range(40)])
    assert between == pytest.approx(kappa(one, other))
    assert with_network == pytest.approx((1 + kappa(one, other)) / 2)


def test_a_network_is_right_at_its_reaction_time():
    probabilities = np.array([[0.4, 0.9], [0.4, 0.9]])
    right = is_correct(probabilities, np.array([[1, 2], [2, 1]]), np.array([1, 1]))
    assert right.tolist() == [[False, True], [True, False]]
    even = is_correct(np.full((2, 1), 0.5), np.ones((1, 2), dtype=int), np.array([1, 0]))
    assert even.tolist() == [[False, False]]
