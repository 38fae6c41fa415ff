"""Colours, markers and lines that stay apart for everybody, and words that find room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from rcnnzoo.text import clipped, visible

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito's palette (2008, Color universal design), without yellow, which is too pale for lines on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), (0, (3, 1, 1, 1)))
SCALE = "viridis"
"""Colour scale of time steps: its brightness rises evenly, so it is read in grey and by the colour-blind as well."""
LETTERS_PER_INCH = 11
"""Of a title: what surely fits."""


@dataclass(frozen=True)
class Style:
    """How one of several series is drawn: no two of seven in a row share a colour, a marker or a line."""

    colour: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]


def style(number: int) -> Style:
    """The style of a series, by its place among those in a figure.

    >>> style(0).colour, style(1).marker
    ('#0072B2', 's')
    """
    round_, place = divmod(number, len(COLOURS))  # another round has other markers with the same colours
    return Style(COLOURS[place], MARKERS[(place + round_) % len(MARKERS)], LINES[(place + round_) % len(LINES)])


def plain(text: str, longest: int | None = None) -> str:
    r"""A name as matplotlib prints it letter by letter: dollars are not mathematics, control characters show.

    Args:
        text: The name.
        longest: Letters to which it is shortened in its middle: a name can be as long as a path.

    >>> print(plain("$x$"), plain("a\nb"), plain("runs/bl-ecoset-seed0", 11))
    \$x\$ a\nb runs/…seed0
    """
    shown = visible(text)
    if longest is not None:
        shown = clipped(shown, longest)
    return shown.replace("$", r"\$")


def entitle(figure: Figure, title: str) -> None:
    """Give a figure a title of as many lines as it takes."""
    width = int(figure.get_figwidth() * LETTERS_PER_INCH)
    lines = [line for part in title.splitlines() for line in wrap(visible(part), width)]
    figure.suptitle("\n".join(plain(line) for line in lines), fontsize="medium")


def name_below(figure: Figure, axes: Sequence[Axes], columns: int = 1, more: Sequence[Artist] = ()) -> None:
    """Name what is drawn below the axes, off the data; what shares a label is named once.

    Args:
        figure: What is drawn.
        axes: Whose artists are named.
        columns: Of the legend.
        more: Artists that stand for many.
    """
    named: dict[str, Artist] = {}
    for each in axes:
        for artist, label in zip(*each.get_legend_handles_labels(), strict=True):
            named.setdefault(label, artist)
    named |= {str(artist.get_label()): artist for artist in more}
    if named:
        figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=columns, frameon=False)
