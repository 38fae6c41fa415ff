"""Colours, markers and lines that stay apart for everybody, and names as matplotlib is to print them."""

from __future__ import annotations

from dataclasses import dataclass

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito's palette (2008, Color universal design), without yellow, which is too pale for lines on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), (0, (3, 1, 1, 1)))


@dataclass(frozen=True)
class Style:
    """How one of several series is drawn: no two among the first seven share a colour, a marker or a line."""

    colour: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]


def style(number: int) -> Style:
    """The style of a series, by its place among those in a figure.

    >>> style(0).colour, style(1).marker
    ('#0072B2', 's')
    """
    return Style(*(choices[number % len(choices)] for choices in (COLOURS, MARKERS, LINES)))  # type: ignore[arg-type]


def plain(text: str) -> str:
    r"""A name as matplotlib prints it letter by letter: dollars are not mathematics, control characters show.

    >>> print(plain("$x$"), plain("a\nb"))
    \$x\$ a\nb
    """
    shown = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    return shown.replace("$", r"\$")
