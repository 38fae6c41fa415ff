"""Figures, each from tables that are written beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rcnnzoo.plugin import read_image

STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
MOST = 12
"""Images in each half of the montage."""
GREY = "0.55"


def draw_correlations(
    correlations: pd.DataFrame,
    controls: pd.DataFrame,
    ceilings: pd.DataFrame,
    comparisons: pd.DataFrame,
    title: str,
) -> Figure:
    """Fig. 2: each network's correlation with people, beside its controls and below its ceiling.

    Args:
        correlations: As in `Findings`; all images.
        controls: Likewise.
        ceilings: Likewise.
        comparisons: Likewise; brackets where two networks differ.
        title: What was measured.
    """
    chosen = correlations[(correlations["images"] == "all") & (correlations["predicted"] == "uncertainty")]
    main = chosen[chosen["measure"] == "reaction time"].reset_index(drop=True)
    area = chosen[chosen["measure"] == "area under uncertainty"].reset_index(drop=True)
    figure = Figure(figsize=(max(6.5, 3.2 + 1.9 * len(main)), 4.8), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize="medium")
    axes.axhline(0, color="black", linewidth=0.8)
    ceilings = ceilings[ceilings["trusted"]]
    tops = []
    for place, (_, row) in enumerate(main.iterrows()):
        top = _draw_bar(axes, place - 0.22, row, "C0", "reaction time (steps)" if place == 0 else None)
        other = _draw_bar(axes, place + 0.05, area.iloc[place], "C1", "area under uncertainty" if place == 0 else None)
        tops.append(max(top, other))
        _draw_controls(axes, place + 0.3, controls[controls["network"] == row["network"]], labelled=place == 0)
        true = ceilings[(ceilings["ceiling"] == "true D") & (ceilings["network"] == row["network"])]
        for value in true["value"]:
            if value > 0:  # a network whose images all take as long can't correlate at all
                axes.hlines(value, place - 0.38, place - 0.06, color="C0", linestyle="--", linewidth=1.5)
    axes.plot([], [], color="C0", linestyle="--", linewidth=1.5, label="ceiling: true D, tied like reaction time")
    for value in ceilings.loc[ceilings["ceiling"] == "true D, without ties", "value"]:
        axes.axhline(value, color="C1", linestyle="--", linewidth=1.2, label="ceiling: true D, without ties")
    half = ceilings[ceilings["ceiling"].isin(["half, of people", "half, of judgements"])]
    for _, row in half.iterrows():
        label = f"half of the {str(row['ceiling']).removeprefix('half, of ')} with the other half"
        axes.axhline(row["value"], color=GREY, linestyle=":", linewidth=1.2, label=label)
    _draw_brackets(axes, main, comparisons, max(tops))
    axes.set(ylabel="Spearman correlation with human uncertainty", xlim=(-0.6, len(main) - 0.4))
    axes.set_xticks(range(len(main)), [str(name).replace("$", r"\$") for name in main["network"]])
    if len(main) > 3:
        axes.tick_params("x", rotation=20)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncols=2)
    return figure


def _draw_bar(axes: Axes, place: float, row: pd.Series, colour: str, label: str | None) -> float:
    """A bar, its interval and its stars; how high all that reaches."""
    value = float(row["spearman"])
    axes.bar(place, value, width=0.25, color=colour, label=label)
    top = max(value, 0.0)
    if pd.notna(row.get("low")):
        axes.vlines(place, row["low"], row["high"], color="black", linewidth=1)
        top = max(top, float(row["high"]))
    axes.annotate(stars(row.get("p_corrected")), (place, top), ha="center", va="bottom")
    return top


def _draw_controls(axes: Axes, place: float, controls: pd.DataFrame, *, labelled: bool) -> None:
    styles = {"randomly initialised": ("s", "C3"), "shuffled within category": ("o", "C2")}
    styles |= {"shuffled within animate or not": ("^", "C4")}
    for number, (_, row) in enumerate(controls.iterrows()):
        marker, colour = styles[str(row["control"])]
        at = place + 0.07 * (number - 0.5)
        label = str(row["control"]) if labelled else None
        axes.plot(at, row["spearman"], marker, color=colour, markersize=5, label=label)
        axes.vlines(at, row["low"], row["high"], color=colour, linewidth=1)


def _draw_brackets(axes: Axes, main: pd.DataFrame, comparisons: pd.DataFrame, top: float) -> None:
    """From network to network where reaction times correlate differently."""
    places = {name: place for place, name in enumerate(main["network"])}
    height = top + 0.06
    pairs = comparisons[comparisons["measure"] == "reaction time"] if len(comparisons) else comparisons
    for _, row in pairs.iterrows():
        mark = stars(row.get("p_corrected"))
        if mark:
            left, right = places[row["a"]] - 0.22, places[row["b"]] - 0.22
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
    """Above: how many images take how long. Below: mean human uncertainty of the images that take so long.

    Args:
        reaction_times: As in `Findings`; a column of panels a network.
        title: What was measured.
    """
    networks = list(reaction_times["network"].unique())
    figure = Figure(figsize=(1 + 3 * len(networks), 4.8), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    grid = figure.subplots(2, len(networks), squeeze=False, sharex="col", sharey="row")
    table = distribution(reaction_times)
    for (above, below), name in zip(grid.T, networks, strict=True):
        part = table[table["network"] == name]
        for kind, colour in (("animate", "C2"), ("inanimate", "C4")):
            here = part[part["kind"] == kind]
            shift = -0.2 if kind == "animate" else 0.2
            above.bar(here["reaction_time"] + shift, here["share"], width=0.4, color=colour, label=kind)
            below.errorbar(
                here["reaction_time"] + shift / 2, here["uncertainty"], here["standard_error"], fmt="o-", color=colour
            )
        above.set_title(str(name).replace("$", r"\$"), fontsize="small")
        below.set(xlabel="reaction time (steps)", xlim=(0.3, table["reaction_time"].max() + 0.7))
        below.xaxis.get_major_locator().set_params(integer=True)
        for axes in (above, below):
            axes.spines[["top", "right"]].set_visible(False)
    grid[0, 0].set(ylabel="share of images")
    grid[1, 0].set(ylabel="mean human uncertainty D\n(bars: standard error)", ylim=(0, None))
    grid[0, 0].legend(frameon=False)
    return figure


def distribution(reaction_times: pd.DataFrame) -> pd.DataFrame:
    """What `draw_reaction_times` draws: `network, kind, reaction_time, images, share, uncertainty, standard_error`.

    Reaction times are means over repeats, rounded to whole steps.
    """
    table = reaction_times.assign(
        kind=np.where(reaction_times["animate"].astype(int) == 1, "animate", "inanimate"),
        reaction_time=reaction_times["reaction_time"].round().astype(int),
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
    """A row each for the images that people, the network, and both hesitate on most.

    Args:
        chosen: From `hardest`.
        folder: Where the images lie.
        title: Whose they are.
    """
    rows: Sequence[str] = list(chosen["who"].unique())
    columns = int(chosen.groupby("who").size().max())
    figure = Figure(figsize=(1.15 * columns + 0.6, 1.6 * len(rows) + 0.5), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for who, line in zip(rows, grid, strict=True):
        part = chosen[chosen["who"] == who]
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for axes, (_, row) in zip(line, part.iterrows(), strict=False):
            axes.imshow(np.asarray(read_image(folder / str(row["image"]))))
            axes.set_title(
                f"D {float(row['uncertainty']):.2f}\nRT {row['reaction_time']:.1f}", fontsize="x-small", pad=2
            )
        line[0].set_ylabel(who, fontsize="small")
    return figure
