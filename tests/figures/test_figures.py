"""Figures: what is drawn is what was measured, and the same figure gives the same files."""

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from PIL import Image

import rcnnzoo
from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.analysis.calibration import calibrate
from rcnnzoo.figures.accuracy import draw_accuracy, draw_comparison
from rcnnzoo.figures.comparison import draw_pairs
from rcnnzoo.figures.curves import draw_curves
from rcnnzoo.figures.measurement import draw_measurement
from rcnnzoo.figures.prediction import Course, draw_predictions
from rcnnzoo.figures.sat import draw_sat
from rcnnzoo.figures.thresholds import draw_thresholds
from rcnnzoo.results.saving import save_figure


def accuracy(steps=3, categories=8):
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(50, steps, categories)), random.integers(0, categories, 50)
    return measure_accuracy(rcnnzoo.make_trace(logits, labels, [1] * steps))


def test_accuracy_is_drawn_at_each_step():
    measured = accuracy()
    left, right = draw_accuracy(measured.by_step, measured.calibration, "title").axes
    lines = {line.get_label(): line for line in left.lines}
    np.testing.assert_array_equal(lines["top-1"].get_ydata(), measured.by_step["accuracy"])
    np.testing.assert_array_equal(lines["top-5"].get_ydata(), measured.by_step["top5"])
    assert len(right.lines) == 1 + 3  # the diagonal, and one line per step


def test_a_feedforward_network_is_a_level_across_the_steps():
    recurrent, feedforward = accuracy().by_step, accuracy(steps=1).by_step
    (axes,) = draw_comparison({"bl": recurrent, "b": feedforward}, "title").axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["b"].get_xdata(), [1, 3])
    np.testing.assert_array_equal(lines["b"].get_ydata(), [feedforward["accuracy"].item()] * 2)


def test_a_curve_has_an_oracle_above_and_points_beside():
    curve = pd.DataFrame({"mean_macs": [1e9, 2e9, 4e9], "accuracy": [0.5, 0.6, 0.7]})
    point = pd.DataFrame({"mean_macs": [3e9], "accuracy": [0.65]})
    oracle = pd.DataFrame({"mean_macs": [1e9, 2e9], "accuracy": [0.5, 0.9]})
    (axes,) = draw_sat({"bl": curve, "b": point}, oracle, "title").axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["bl"].get_xdata(), [1e9, 2e9, 4e9])
    np.testing.assert_array_equal(lines["b"].get_ydata(), [0.65])
    assert "oracle of bl" in lines
    assert axes.xaxis.get_major_formatter().format_data(2e9) == "2 G"


def test_a_device_that_saves_as_much_as_it_should_is_on_the_line():
    table = pd.DataFrame({"threshold": [-np.inf, 0.5], "saving": [1, 3], "macs_saving": [1, 4]})
    (axes,) = draw_measurement(table, "title").axes
    line, points = axes.lines
    assert line.get_xydata().tolist() == [[1, 1], [4, 4]]
    assert points.get_xydata().tolist() == [[1, 1], [4, 3]]
    assert [text.get_text() for text in axes.texts] == ["0.5"]


def test_thresholds_are_drawn_up_to_the_first_that_failed():
    random = np.random.default_rng(0)
    logits = random.normal(size=(300, 3, 4)) + 2 * np.eye(4)[0]
    found = calibrate(rcnnzoo.make_trace(logits, [0] * 300, [10**9] * 3), "entropy", 0.05)
    (axes,) = draw_thresholds(found.sequence, 0.05, (found.mean_macs, found.bound), "title").axes
    lines = {line.get_label(): line for line in axes.lines}
    tested = found.sequence[found.sequence["tested"]]
    assert 0 < len(tested) < len(found.sequence) - 1
    np.testing.assert_array_equal(lines["upper bound"].get_ydata()[1:], tested["bound"])
    np.testing.assert_array_equal(lines["on these images"].get_ydata()[1:], tested["loss"])
    np.testing.assert_array_equal(lines["allowed"].get_ydata(), [0.05, 0.05])
    assert lines["chosen"].get_xdata() == [found.mean_macs]
    assert lines["chosen"].get_ydata() == [found.bound]


def test_a_band_lies_along_a_curve_and_stands_at_a_point():
    curve = pd.DataFrame({"mean_macs": [1e9, 2e9], "accuracy": [0.5, 0.6]})
    bands = {
        "bl": pd.DataFrame({"mean_macs": [1e9, 2e9], "low": [0.4, 0.5], "high": [0.6, 0.8]}),
        "b": pd.DataFrame({"mean_macs": [2e9], "low": [0.3], "high": [0.9]}),
    }
    (axes,) = draw_sat({"bl": curve, "b": curve.iloc[1:]}, curve, "title", bands).axes
    area, bar = axes.collections
    assert isinstance(bar, LineCollection)
    corners = {tuple(corner) for corner in area.get_paths()[0].vertices.round(9).tolist()}
    assert corners == {(1e9, 0.4), (2e9, 0.5), (2e9, 0.8), (1e9, 0.6)}
    assert bar.get_segments()[0].tolist() == [[2e9, 0.3], [2e9, 0.9]]


def test_pairs_are_a_matrix_of_differences():
    models = pd.DataFrame({"name": ["a", "b"], "accuracy": [0.5, 0.62], "low": [0.4, 0.5], "high": [0.6, 0.7]})
    pairs = pd.DataFrame({"a": ["a"], "b": ["b"], "p_corrected": [0.02], "mean_macs": [2e6], "difference": [-0.1]})
    pairs[["low", "high"]] = [-0.2, 0.01]
    left, middle, right = draw_pairs(models, pairs, "title").axes
    assert left.lines[0].get_xdata().tolist() == [0.5, 0.62]
    texts = {text.get_position(): text.get_text() for text in middle.texts}
    assert texts == {(1, 0): "-12.0\np = 0.020", (0, 1): "+12.0\np = 0.020"}
    assert right.get_yticklabels()[0].get_text() == "1 - 2\nat 2.0 M MACs"
    (interval,) = right.collections
    assert isinstance(interval, LineCollection)
    assert interval.get_segments()[0].tolist() == [[-20, 0], [1, 0]]
    figure = draw_pairs(models, pairs.assign(mean_macs=float("nan")), "title")
    assert "no two networks" in figure.axes[2].texts[0].get_text()
    figure.canvas.draw()


def test_a_network_may_be_called_by_a_long_path():
    names = [f"/home/somebody/a$project/{'networks/' * 12}{name}" for name in ("one", "two")]
    models = pd.DataFrame({"name": names, "accuracy": [0.5, 0.6], "low": [0.4, 0.5], "high": [0.6, 0.7]})
    pairs = pd.DataFrame({"a": names[:1], "b": names[1:], "p_corrected": 1.0, "mean_macs": 2e6, "difference": 0.1})
    figure = draw_pairs(models, pairs.assign(low=0.0, high=0.2), "title")
    figure.canvas.draw()  # a warning that there is no room would be an error here
    assert all(axes.get_window_extent().width > 100 for axes in figure.axes)


def test_probabilities_are_drawn_up_to_each_images_exit():
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    courses = [Course("a$1.jpg", pixels, {"b": [0.2, 0.4], "c$": [0.2, 0.4]}), Course("a.jpg", pixels, {"a": [0.5]})]
    figure = draw_predictions(courses)
    assert len(figure.axes) == 4
    assert [line.get_ydata().tolist() for line in figure.axes[1].lines] == [[0.2, 0.4], [0.2, 0.4]]
    assert list(figure.axes[3].get_xticks()) == [1, 2]  # the same axis, though one image left earlier
    figure.canvas.draw()


def test_training_curves_have_a_line_a_step():
    table = pd.DataFrame(
        {"epoch": [1, 2], **{f"train_{q}_{t}": [0.5, 0.4] for q in ("loss", "accuracy") for t in (1, 2)}}
    )
    table["val_loss_1"] = [0.6, 0.7]
    left, right = draw_curves(table).axes
    assert (len(left.lines), len(right.lines)) == (3, 2)


def test_a_figure_is_saved_twice_the_same(tmp_path):
    measured = accuracy()
    for name in ("one", "two"):
        save_figure(draw_accuracy(measured.by_step, measured.calibration, "title"), tmp_path / "deep" / name)
    for suffix in (".png", ".svg"):
        assert (tmp_path / f"deep/one{suffix}").read_bytes() == (tmp_path / f"deep/two{suffix}").read_bytes()
    with Image.open(tmp_path / "deep" / "one.png") as image:
        assert image.width > 1000
