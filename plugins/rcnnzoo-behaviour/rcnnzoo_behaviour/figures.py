"""Figures, each from tables that are written beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from rcnnzoo.plugin import COLOURS, plain, read_image
from rcnnzoo_behaviour.entries import SINCE_ONSET

STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
MOST = 12
"""Images in each half of the montage."""
GREY = "0.55"
WIDTH = 0.2
"""Of a bar."""
BARS = (
    ("reaction time", "uncertainty", "all"),
    ("area under uncertainty", "uncertainty", "all"),
    ("reaction time", "human reaction time", "with human reaction times"),
)
"""Measure, what is predicted, and part of the images of each bar."""
HATCHES = ("", "//", "..")
CONTROLS = {
    "randomly initialised": ("s", COLOURS[6]),
    "shuffled within category": ("o", COLOURS[3]),
    "shuffled within animate or not": ("^", COLOURS[4]),
}
KINDS = {"animate": (COLOURS[2], "o", -0.2), "inanimate": (COLOURS[3], "s", 0.2)}
"""Colour, marker and shift of each kind of image."""
FEW = 10
"""Images below which their number is written where they are drawn."""
LONGEST = 28
"""Letters of a network's name."""


def draw_correlations(
    correlations: pd.DataFrame,
    controls: pd.DataFrame,
    ceilings: pd.DataFrame,
    comparisons: pd.DataFrame,
    title: str,
) -> Figure:
    """Fig. 2: each network's correlation with people, beside its controls and below its ceiling.

    Args:
        correlations: As in `Findings`; all images, and those with human reaction times.
        controls: Likewise.
        ceilings: Likewise.
        comparisons: Likewise; brackets where two networks differ.
        title: What was measured.
    """
    networks = list(correlations["network"].unique())
    figure = Figure(figsize=(max(7.5, 3.4 + 2.1 * len(networks)), 6), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize="medium")
    axes.axhline(0, color="black", linewidth=0.8)
    top = max(_draw_network(axes, place, name, correlations) for place, name in enumerate(networks))
    for place, name in enumerate(networks):
        _draw_controls(axes, place + 0.36, controls[controls["network"] == name])
    _draw_ceilings(axes, ceilings[ceilings["trusted"]], networks)
    _draw_brackets(axes, networks, comparisons, top)
    axes.set(ylabel="Spearman correlation", xlim=(-0.6, len(networks) - 0.4))
    axes.set_xticks(range(len(networks)), [plain(str(name), LONGEST) for name in networks])
    if len(networks) > 2:
        axes.tick_params("x", rotation=20)
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))  # each kind once
    named["95 % interval"] = Line2D([], [], color="black", linewidth=1)
    if axes.texts:
        named["* p < 0.05   ** p < 0.01   *** p < 0.001 (Holm)"] = Line2D([], [], linestyle="")
    figure.legend(named.values(), named, frameon=False, fontsize="small", loc="outside lower center", ncols=2)
    return figure


def _draw_network(axes: Axes, place: int, name: str, correlations: pd.DataFrame) -> float:
    """A bar for each kind of correlation, its interval and its stars; how high all that reaches."""
    of_network, tops = correlations[correlations["network"] == name], [0.0]
    for number, (measure, predicted, images) in enumerate(BARS):
        rows = of_network[
            (of_network["measure"] == measure)
            & (of_network["predicted"] == predicted)
            & (of_network["images"] == images)
        ]
        if not len(rows):
            continue
        row, at = rows.iloc[0], place - 0.3 + WIDTH * number
        if pd.isna(row["spearman"]):
            axes.annotate("no times", (at, 0.005), rotation=90, ha="center", va="bottom", fontsize="x-small")
            continue
        value = float(row["spearman"])
        label = f"{measure} with {'human ' + predicted if predicted == 'uncertainty' else predicted}"
        axes.bar(at, value, width=WIDTH, color=COLOURS[number], hatch=HATCHES[number], edgecolor="white", label=label)
        top = max(value, 0.0)
        if pd.notna(row.get("low")):
            axes.vlines(at, row["low"], row["high"], color="black", linewidth=1)
            top = max(top, float(row["high"]))
        if mark := stars(row.get("p_corrected")):
            axes.annotate(mark, (at, top), ha="center", va="bottom")
        tops.append(top)
    return max(tops)


def _draw_controls(axes: Axes, place: float, controls: pd.DataFrame) -> None:
    for number, row in enumerate(controls.to_dict("records")):
        marker, colour = CONTROLS[str(row["control"])]
        at = place + 0.07 * (number - 0.5)
        axes.plot(at, row["spearman"], marker, color=colour, markersize=5, label=f"control: {row['control']}")
        axes.vlines(at, row["low"], row["high"], color=colour, linewidth=1)


def _draw_ceilings(axes: Axes, ceilings: pd.DataFrame, networks: Sequence[str]) -> None:
    """Lines: of a network above its bar, of people across."""
    for row in ceilings.to_dict("records"):
        kind, value = str(row["ceiling"]), row["value"]
        if kind == "true D":
            place = networks.index(row["network"]) - 0.3
            ends = place - WIDTH / 2, place + WIDTH / 2
            label = "ceiling: true D, tied like reaction time"
            axes.hlines(value, *ends, color=COLOURS[0], linestyle="--", linewidth=1.5, label=label)
        elif kind == "true D, without ties":
            axes.axhline(value, color=COLOURS[1], linestyle="--", linewidth=1.2, label=f"ceiling: {kind}")
        elif kind.startswith("half, of "):
            label = f"half of the {kind.removeprefix('half, of ')} with the other half"
            axes.axhline(value, color=GREY, linestyle=":", linewidth=1.2, label=label)


def _draw_brackets(axes: Axes, networks: Sequence[str], comparisons: pd.DataFrame, top: float) -> None:
    """From network to network where they correlate differently; areas where there are no reaction times."""
    places, height = {str(name): place for place, name in enumerate(networks)}, top + 0.06
    pairs = comparisons.groupby(["a", "b"], sort=False) if "difference" in comparisons else ()
    for (first, second), rows in pairs:
        a, b = str(first), str(second)
        measured = rows.dropna(subset="difference")
        row = measured.iloc[0]
        mark = stars(row.get("p_corrected"))
        if mark:
            shift = -0.3 if row["measure"] == "reaction time" else -0.3 + WIDTH
            left, right = places[a] + shift, places[b] + shift
            axes.plot([left, left, right, right], [height - 0.01, height, height, height - 0.01], "k", linewidth=0.8)
            axes.annotate(mark, ((left + right) / 2, height), ha="center", va="bottom")
            height += 0.05


def stars(p: object) -> str:
    """Stars of a p value, none where there is no test.

    >>> [stars(p) for p in (0.0005, 0.03, 0.2, None)]
    ['***', '*', '', '']
    """
    if not isinstance(p, float) or np.isnan(p):
        return ""
    return next((mark for most, mark in STARS if p <= most), "")


def draw_reaction_times(reaction_times: pd.DataFrame, title: str) -> Figure:
    """Above: how many images take how long. Below: mean human uncertainty of the images that take that long.

    Args:
        reaction_times: As in `Findings`; one column of panels per network.
        title: What was measured.
    """
    networks = list(reaction_times["network"].unique())
    figure = Figure(figsize=(1.5 + 3 * len(networks), 5.2), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    grid = figure.subplots(2, len(networks), squeeze=False, sharex="all", sharey="row")
    table = distribution(reaction_times)
    words = "reaction time (steps)"
    if SINCE_ONSET in reaction_times:
        words = "reaction time since the image's onset (steps)"
    for (above, below), name in zip(grid.T, networks, strict=True):
        part = table[table["network"] == name]
        for kind, (colour, marker, shift) in KINDS.items():
            here = part[part["kind"] == kind]
            above.bar(here["reaction_time"] + shift, here["share"], width=0.4, color=colour, label=kind)
            places, means = here["reaction_time"] + shift / 2, here["uncertainty"]
            below.errorbar(places, means, here["standard_error"], fmt=marker, color=colour)
            for x, y, images in zip(places, means, here["images"], strict=True):
                if images < FEW:
                    # Away from the other kind, whose marker lies beside.
                    side = 1 if shift > 0 else -1
                    text = {"textcoords": "offset points", "ha": "left" if side > 0 else "right"}
                    below.annotate(f"n={images}", (x, y), (3 * side, 4), fontsize="xx-small", **text)
        above.set_title(plain(str(name), LONGEST), fontsize="small")
        first, last = min(1, int(table["reaction_time"].min())), int(table["reaction_time"].max())
        below.set(xlabel=words, xlim=(first - 0.7, last + 0.7), xticks=range(first, last + 1))
        for axes in (above, below):
            axes.spines[["top", "right"]].set_visible(False)
    grid[0, 0].set(ylabel="share of images")
    grid[0, 0].yaxis.set_major_formatter(PercentFormatter(1))
    grid[1, 0].set(ylabel="mean human uncertainty D\n(bars: standard error)", ylim=(0, None))
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=2)
    return figure


def distribution(reaction_times: pd.DataFrame) -> pd.DataFrame:
    """What `draw_reaction_times` draws: `network, kind, reaction_time, images, share, uncertainty, standard_error`.

    Reaction times are means over repeats, rounded to whole steps; since the image's onset, where these are known.
    """
    measured = reaction_times[SINCE_ONSET if SINCE_ONSET in reaction_times else "reaction_time"]
    table = reaction_times.assign(
        kind=np.where(reaction_times["animate"].astype(int) == 1, "animate", "inanimate"),
        reaction_time=measured.round().astype(int),
        uncertainty=reaction_times["uncertainty"].astype(float),
    )
    groups = table.groupby(["network", "kind", "reaction_time"], sort=True)["uncertainty"]
    found = groups.agg(images="size", uncertainty="mean", standard_error="sem").reset_index()
    totals = found.groupby(["network", "kind"])["images"].transform("sum")
    distributed: pd.DataFrame = found.assign(share=found["images"] / totals)
    return distributed


def hardest(reaction_times: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """Images of the first network on which hesitation is greatest: `who` (people, network, both), best first.

    People by D; the network by its mean standardised rank, then the area under uncertainty; both by the sum of ranks.
    """
    table = reaction_times[reaction_times["network"] == reaction_times["network"].iloc[0]].reset_index(drop=True)
    people = table["uncertainty"].astype(float).rank()
    longest = table.sort_values(["standardised", "area_under_uncertainty"], kind="stable").index
    network = pd.Series(np.arange(len(table), dtype=float), index=longest).sort_index()
    parts = []
    for who, values in (("people", people), ("network", network), ("both", people + network)):
        chosen = values.sort_values(ascending=False, kind="stable").index[:most]
        parts.append(table.loc[chosen].assign(who=who))
    whole: pd.DataFrame = pd.concat(parts, ignore_index=True)
    whole.insert(0, "who", whole.pop("who"))
    return whole


def draw_montage(chosen: pd.DataFrame, folder: Path, title: str) -> Figure:
    """One row each for the images that people, the network, and both hesitate on most.

    Args:
        chosen: From `hardest`.
        folder: Where the images lie.
        title: Whose they are.
    """
    rows: Sequence[str] = list(chosen["who"].unique())
    columns = int(chosen.groupby("who").size().max())
    figure = Figure(figsize=(1.15 * columns + 0.6, 1.75 * len(rows) + 0.5), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for who, line in zip(rows, grid, strict=True):
        part = chosen[chosen["who"] == who]
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for axes, (_, row) in zip(line, part.iterrows(), strict=False):
            axes.imshow(np.asarray(read_image(folder / str(row["image"]))))
            truth = "animate" if int(row["animate"]) else "inanimate"
            time = f"RT {row.get(SINCE_ONSET, row['reaction_time']):.1f} steps"
            words = f"{truth}\nD {float(row['uncertainty']):.2f}\n{time}"
            axes.set_title(words, fontsize="xx-small", pad=2)
        line[0].set_ylabel(who, fontsize="small")
    return figure
