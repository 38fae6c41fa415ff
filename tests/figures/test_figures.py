"""Figures: what is drawn is what was measured, and the same figure gives the same files."""

from functools import partial

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

import rcnnzoo
from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.analysis.calibration import calibrate
from rcnnzoo.figures.accuracy import draw_accuracy, draw_comparison
from rcnnzoo.figures.comparison import draw_pairs
from rcnnzoo.figures.confusion import draw_confusion
from rcnnzoo.figures.curves import draw_curves
from rcnnzoo.figures.measurement import draw_measurement
from rcnnzoo.figures.prediction import Course, Rule, draw_predictions
from rcnnzoo.figures.sat import draw_sat
from rcnnzoo.figures.thresholds import draw_thresholds
from rcnnzoo.results.saving import save_figure


def accuracy(steps=3, categories=12):
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(50, steps, categories)), random.integers(0, categories, 50)
    return measure_accuracy(rcnnzoo.make_trace(logits, labels, [1] * steps))


def test_accuracy_is_drawn_at_each_step():
    measured = accuracy()
    left, right = draw_accuracy(measured.by_step, measured.calibration, "title").axes
    lines = {line.get_label(): line for line in left.lines}
    np.testing.assert_array_equal(lines["top-1, 95 % interval"].get_ydata(), measured.by_step["accuracy"])
    np.testing.assert_array_equal(lines["top-5, 95 % interval"].get_ydata(), measured.by_step["top5"])
    bins = measured.calibration[measured.calibration["step"] == 3]
    enough = bins[bins["images"] >= 10]
    diagonal, calibration = right.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert 0 < len(enough) < len(bins)
    assert calibration.get_xydata().tolist() == enough[["confidence", "accuracy"]].to_numpy().tolist()
    assert calibration.get_label() == f"step 3, bins of 10 images or more ({len(enough)} of {len(bins)})"


def test_everything_drawn_is_named_below_the_axes():
    measured = accuracy()
    figure = draw_accuracy(measured.by_step, measured.calibration, "title")
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 4
    assert all(legend.get_window_extent().y1 <= axes.get_window_extent().y0 for axes in figure.axes)


def test_a_confusion_matrix_shows_shares_of_each_category():
    counts = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    axes, bar = draw_confusion(counts, ["cat", "$dog{$", "fox"], "title").axes
    shown = axes.images[0].get_array()
    np.testing.assert_array_equal(shown.filled(np.nan), [[0.75, 0.25, 0], [0, 1, 0], [np.nan] * 3])
    assert {text.get_position(): text.get_text() for text in axes.texts} == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", r"\$dog{\$", "fox"]
    assert bar.get_ylabel() == "of the category's images"
    many = draw_confusion(np.eye(300, dtype=np.int64), list(map(str, range(300))), "title")
    assert len(many.axes[0].get_yticks()) < 20  # no names, which would not find room
    many.draw_without_rendering()


@pytest.mark.parametrize("name", [r"$\foo{$", "a\x1b[31mb", "caf\udce9", "x" * 400, "猫"])
def test_a_network_may_have_any_name(name, tmp_path):
    """What matplotlib takes for mathematics ended `evaluate`; a path is long; letters may lack in its font."""
    by_step = {name: accuracy().by_step, "b": accuracy(steps=1).by_step}
    save_figure(partial(draw_comparison, by_step, f"{name} on {name}"), tmp_path / "a")
    curve = pd.DataFrame({"mean_macs": [1e9, 2e9, 4e9], "accuracy": [0.5, 0.6, 0.7]})
    save_figure(partial(draw_sat, {name: curve}, curve, name), tmp_path / "b")
    save_figure(partial(draw_predictions, [Course(name, np.zeros((8, 8, 3), np.uint8), {name: [0.5]})]), tmp_path / "c")
    save_figure(partial(draw_confusion, np.eye(2, dtype=np.int64), [name, "b"], name), tmp_path / "d")


def test_figures_are_drawn_under_settings_of_their_own(tmp_path):
    def draw():
        assert not matplotlib.rcParams["text.usetex"]
        return Figure()

    with matplotlib.rc_context({"text.usetex": True, "savefig.dpi": 10}):
        save_figure(draw, tmp_path / "a")
        assert matplotlib.rcParams["text.usetex"]  # the user's come back


def test_a_feedforward_network_is_a_level_across_the_steps():
    recurrent, feedforward = accuracy().by_step, accuracy(steps=1).by_step
    (axes,) = draw_comparison({"bl": recurrent, "b": feedforward}, "title").axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["b (one step)"].get_xdata(), [1, 3])
    np.testing.assert_array_equal(lines["b (one step)"].get_ydata(), [feedforward["accuracy"].item()] * 2)


def test_a_curve_has_an_oracle_above_and_points_beside():
    curve = pd.DataFrame({"mean_macs": [1e9, 2e9, 4e9], "accuracy": [0.5, 0.6, 0.7]})
    point = pd.DataFrame({"mean_macs": [3e9], "accuracy": [0.65]})
    oracle = pd.DataFrame({"mean_macs": [1e9, 2e9], "accuracy": [0.5, 0.9]})
    (axes,) = draw_sat({"bl": curve, "b": point}, oracle, "title").axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["bl"].get_xdata(), [1e9, 2e9, 4e9])
    np.testing.assert_array_equal(lines["b (one step)"].get_ydata(), [0.65])
    assert "oracle of bl" in lines
    assert axes.xaxis.get_major_formatter().format_data(2e9) == "2G"


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
    (axes,) = draw_thresholds(
        found.sequence, 0.05, (found.mean_macs, found.bound), "title", confidence=0.95, images=300
    ).axes
    lines = {line.get_label(): line for line in axes.lines}
    tested = found.sequence[found.sequence["tested"]]
    assert 0 < len(tested) < len(found.sequence) - 1
    np.testing.assert_array_equal(lines["upper bound on the risk, 95 % confidence"].get_ydata()[1:], tested["bound"])
    np.testing.assert_array_equal(lines["lost of these 300 images"].get_ydata()[1:], tested["loss"])
    np.testing.assert_array_equal(lines["allowed: 5 %"].get_ydata(), [0.05, 0.05])
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
    assert right.get_yticklabels()[0].get_text() == "1 - 2\nat 2.0M MACs"
    (interval,) = right.collections
    assert isinstance(interval, LineCollection)
    assert interval.get_segments()[0].tolist() == [[-20, 0], [1, 0]]
    figure = draw_pairs(models, pairs.assign(mean_macs=float("nan")), "title")
    assert "no two networks" in figure.axes[2].texts[0].get_text()
    figure.draw_without_rendering()


def test_a_network_may_be_called_by_a_long_path():
    names = [f"/home/somebody/a$project/{'networks/' * 12}{name}" for name in ("one", "two")]
    models = pd.DataFrame({"name": names, "accuracy": [0.5, 0.6], "low": [0.4, 0.5], "high": [0.6, 0.7]})
    pairs = pd.DataFrame({"a": names[:1], "b": names[1:], "p_corrected": 1.0, "mean_macs": 2e6, "difference": 0.1})
    figure = draw_pairs(models, pairs.assign(low=0.0, high=0.2), "title")
    figure.draw_without_rendering()  # a warning that there is no room would be an error here
    assert all(axes.get_window_extent().width > 100 for axes in figure.axes)


def test_probabilities_are_drawn_up_to_each_images_exit():
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    courses = [Course("a$1.jpg", pixels, {"b": [0.2, 0.4], "c$": [0.2, 0.4]}), Course("a.jpg", pixels, {"a": [0.5]})]
    figure = draw_predictions(courses, Rule("stops when max-prob is 0.4 or more", level=0.4))
    assert len(figure.axes) == 4
    for axes, exit_step in ((figure.axes[1], 2), (figure.axes[3], 1)):
        lines = {line.get_label(): line for line in axes.lines}
        np.testing.assert_array_equal(lines["exit"].get_xdata(), [exit_step] * 2)
        np.testing.assert_array_equal(lines["threshold"].get_ydata(), [0.4] * 2)
    figure = draw_predictions(courses)
    assert [line.get_ydata().tolist() for line in figure.axes[1].lines] == [[0.2, 0.4], [0.2, 0.4]]
    assert list(figure.axes[3].get_xticks()) == [1, 2]  # the same axis, though one image left earlier
    figure.draw_without_rendering()


def test_a_category_has_the_same_colour_for_every_image():
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    courses = [Course("a", pixels, {"cat": [0.6], "dog": [0.4]}), Course("b", pixels, {"dog": [0.7], "fox": [0.3]})]
    figure = draw_predictions(courses)
    first, second = ({line.get_label(): line.get_color() for line in figure.axes[row].lines} for row in (1, 3))
    assert first["dog"] == second["dog"]
    assert len({*first.values(), *second.values()}) == 3


def test_training_curves_have_a_line_a_step():
    table = pd.DataFrame(
        {"epoch": [1, 2], **{f"train_{q}_{t}": [0.5, 0.4] for q in ("loss", "accuracy") for t in (1, 2)}}
    )
    table["val_loss_1"] = [0.6, 0.7]
    figure = draw_curves(table)
    left, right, steps = figure.axes
    assert (len(left.lines), len(right.lines)) == (3, 2)
    assert steps.get_yticks().tolist() == [1, 2]  # every step has its colour there
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "validation"]
    first, second, validation = (tuple(line.get_color()) for line in left.lines)
    assert validation == first != second


def test_a_figure_is_saved_twice_the_same(tmp_path):
    measured = accuracy()
    for name in ("one", "two"):
        draw = partial(draw_accuracy, measured.by_step, measured.calibration, "title")
        save_figure(draw, tmp_path / "deep" / name, ["png", "svg", "pdf"])
    for suffix in (".png", ".svg", ".pdf"):
        assert (tmp_path / f"deep/one{suffix}").read_bytes() == (tmp_path / f"deep/two{suffix}").read_bytes()
    with Image.open(tmp_path / "deep" / "one.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=1)
