"""Images, and what a network makes of them over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rcnnzoo.figures.style import Style, entitle, plain, style

LONGEST = 28
"""Letters of the name of a file or category."""


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


@dataclass(frozen=True)
class Rule:
    """When images stop.

    Attributes:
        words: The rule in words.
        level: The probability at which they stop, if it is one that decides.
    """

    words: str
    level: float | None = None


def draw_predictions(
    courses: Sequence[Course], rule: Rule | None = None, steps_before: int | None = None, conditions: str = ""
) -> Figure:
    """One row per image: the image as the network saw it, and its top categories' probabilities by time step.

    All rows share the axis of steps, as long as the slowest image took. A category has the same colour in all rows.

    Args:
        courses: Of each image.
        rule: When they stop; then the exit is marked. Without it all steps are run.
        steps_before: How many time steps lie before the image's onset, from which time is then counted.
        conditions: Under which the network was run, if they are not the usual ones.
    """
    figure = Figure(figsize=(8, 0.3 + 2.4 * len(courses)), layout="constrained")
    if title := ", ".join(filter(None, [conditions, "" if rule is None else rule.words])):
        entitle(figure, title)
    most = max(len(probabilities) for course in courses for probabilities in course.probabilities.values())
    names = dict.fromkeys(name for course in courses for name in course.probabilities)
    looks = {name: style(number) for number, name in enumerate(names)}
    grid = figure.subplots(len(courses), 2, squeeze=False, width_ratios=[1, 2.4])
    for (left, right), course in zip(grid, courses, strict=True):
        left.imshow(course.pixels)
        left.set_title(plain(course.title, LONGEST), fontsize="small")
        left.set_axis_off()
        _draw_course(right, course.probabilities, most, looks, rule, steps_before or 0)
    grid[-1][1].set_xlabel("time step" if steps_before is None else "time step since the image's onset")
    return figure


def _draw_course(
    axes: Axes,
    courses: Mapping[str, Sequence[float]],
    steps: int,
    looks: Mapping[str, Style],
    rule: Rule | None,
    before: int,
) -> None:
    first, last = 1 - before, steps - before
    for name, course in courses.items():
        look, label = looks[name], plain(name, LONGEST)
        places = range(first, first + len(course))
        axes.plot(places, course, color=look.colour, marker=look.marker, linestyle=look.line, label=label)
    if rule is not None:
        exit_step = len(next(iter(courses.values()))) - before
        axes.axvline(exit_step, color="dimgrey", linestyle=":", linewidth=1, label="exit")
        if rule.level is not None:
            axes.axhline(rule.level, color="dimgrey", linestyle="--", linewidth=1, label="threshold")
    axes.set(ylim=(0, 1), ylabel="probability", xticks=range(first, last + 1), xlim=(first - 0.25, last + 0.25))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
