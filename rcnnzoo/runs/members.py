"""Runs that differ in their seed alone, in one folder."""

from __future__ import annotations

import re
from pathlib import Path

from rcnnzoo.errors import OptionError
from rcnnzoo.runs.folder import MEMBER, SETTINGS

MOST = 1000
"""Members of a folder above which a number must be a mistake."""


def read_seeds(text: str) -> range:
    """Seeds as users write them, from one to another.

    Raises:
        OptionError: It can't be read as that.

    >>> list(read_seeds("0-2"))
    [0, 1, 2]
    """
    found = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text.strip())
    if found is None or int(found[1]) > int(found[2]):
        raise OptionError(f"`seeds` {text}: write them like 0-4, from the first to the last")
    seeds = range(int(found[1]), int(found[2]) + 1)
    if len(seeds) > MOST:
        raise OptionError(f"`seeds` {text}: are {len(seeds):,} seeds, take at most {MOST:,}")
    return seeds


def member(folder: Path, seed: int) -> Path:
    """The run of a seed in a folder of members."""
    return folder / f"seed{seed}"


def members(folder: Path) -> dict[int, Path]:
    """The runs in a folder of members by their seeds, in order; empty if it is none.

    >>> import tempfile
    >>> members(Path(tempfile.mkdtemp()))
    {}
    """
    found = {}
    for settings in folder.glob(f"seed*/{SETTINGS}"):
        if number := re.fullmatch(MEMBER, settings.parent.name):
            found[int(number[1])] = settings.parent
    return dict(sorted(found.items()))
