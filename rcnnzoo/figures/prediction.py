"""Images, and what a network makes of them over time."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from rcnnzoo.engine.prediction import Prediction

TOP = 5


def top_categories(prediction: Prediction, categories: Sequence[str], most: int = TOP) -> dict[str, list[float]]:
    """The probability at each step up to the exit of the categories that lead there, the winner first."""
    order = prediction.probabilities[-1].argsort(descending=True, stable=True)[:most].tolist()
    return {categories[index]: prediction.probabilities[:, index].tolist() for index in order}


def draw_predictions(predictions: Sequence[Prediction], categories: Sequence[str]) -> Figure:
    """A row an image: the image as the network saw it, and its top categories' probabilities by time step.

    All rows share the axis of steps, as long as the slowest image took; a course ends at the image's exit.
    """
    figure = Figure(figsize=(8, 2.4 * len(predictions)), layout="constrained")
    most = max(prediction.reaction_time for prediction in predictions)
    grid = figure.subplots(len(predictions), 2, squeeze=False, width_ratios=[1, 2.4])
    for (left, right), prediction in zip(grid, predictions, strict=True):
        _draw_image(left, prediction.pixels, prediction.file.name)
        _draw_course(right, top_categories(prediction, categories), most)
    grid[-1][1].set_xlabel("time step")
    return figure


def _draw_image(axes: Axes, pixels: Tensor, title: str) -> None:
    axes.imshow(pixels.permute(1, 2, 0).numpy())
    # A name is not mathematics, even if it holds dollars.
    axes.set_title(title.replace("$", r"\$"), fontsize="small", wrap=True)
    axes.set_axis_off()


def _draw_course(axes: Axes, courses: dict[str, list[float]], steps: int) -> None:
    for name, course in courses.items():
        axes.plot(range(1, len(course) + 1), course, marker="o", label=name.replace("$", r"\$"))
    axes.set(ylim=(0, 1), ylabel="probability", xticks=range(1, steps + 1), xlim=(0.75, steps + 0.25))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
