"""Images, and what a network makes of them over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Course:
    """What a network makes of an image over time.

    Attributes:
        title: What the image is called.
        pixels: The image as the network saw it, uint8 [S, S, 3].
        probabilities: Of each category that is drawn, by name, at each step up to the exit.
    """

    title: str
    pixels: npt.NDArray[np.uint8]
    probabilities: Mapping[str, Sequence[float]]


def draw_predictions(courses: Sequence[Course]) -> Figure:
    """One row per image: the image as the network saw it, and its top categories' probabilities by time step.

    All rows share the axis of steps, as long as the slowest image took; a course ends at the image's exit.
    """
    figure = Figure(figsize=(8, 2.4 * len(courses)), layout="constrained")
    most = max(len(probabilities) for course in courses for probabilities in course.probabilities.values())
    grid = figure.subplots(len(courses), 2, squeeze=False, width_ratios=[1, 2.4])
    for (left, right), course in zip(grid, courses, strict=True):
        _draw_image(left, course)
        _draw_course(right, course.probabilities, most)
    grid[-1][1].set_xlabel("time step")
    return figure


def _draw_image(axes: Axes, course: Course) -> None:
    axes.imshow(course.pixels)
    # A name is not mathematics, even if it holds dollars.
    axes.set_title(course.title.replace("$", r"\$"), fontsize="small", wrap=True)
    axes.set_axis_off()


def _draw_course(axes: Axes, courses: Mapping[str, Sequence[float]], steps: int) -> None:
    for name, course in courses.items():
        axes.plot(range(1, len(course) + 1), course, marker="o", label=name.replace("$", r"\$"))
    axes.set(ylim=(0, 1), ylabel="probability", xticks=range(1, steps + 1), xlim=(0.75, steps + 0.25))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
