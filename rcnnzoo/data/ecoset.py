"""Ecoset (Mehrer, Spoerer, Jones, Kriegeskorte & Kietzmann 2021, doi 10.1073/pnas.2011417118)."""

from __future__ import annotations

import warnings
from pathlib import Path

from rcnnzoo.data.folders import read_folder
from rcnnzoo.data.splits import Split

CATEGORIES = 565


def read_ecoset(folder: Path) -> dict[str, Split]:
    """The splits train, val and test.

    Category names are the folders' own (`0001_man`): their sorted order is the one of the authors' published
    weights, and their ids are not contiguous, so nothing is derived from them.
    """
    splits = read_folder(folder)
    for name, split in splits.items():
        if len(split.categories) != CATEGORIES:
            warnings.warn(
                f"{folder}: {len(split.categories)} of ecoset's {CATEGORIES} categories in {name}", stacklevel=2
            )
    return splits
