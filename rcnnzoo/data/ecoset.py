"""Ecoset (Mehrer, Spoerer, Jones, Kriegeskorte & Kietzmann 2021, doi 10.1073/pnas.2011417118)."""

from __future__ import annotations

import warnings
from pathlib import Path

from rcnnzoo.data.folders import read_folder
from rcnnzoo.data.splits import Split
from rcnnzoo.data.unreadable import DataWarning

CATEGORIES = 565


def category_names() -> tuple[str, ...]:
    """The names of the categories, in the order of the authors' published weights.

    Source: `pretrained_output_categories/ecoset_categories.txt` of cjspoerer/rcnn-sat.

    >>> category_names()[:2]
    ('0001_man', '0005_house')
    """
    return tuple(Path(__file__).with_name("ecoset_categories.txt").read_text(encoding="utf-8").split())


def read_ecoset(folder: Path) -> dict[str, Split]:
    """The splits train, val and test.

    Category names are the folders' own (`0001_man`): their sorted order is the one of the authors' published
    weights, and their ids are not contiguous, so nothing is derived from them.
    """
    splits = read_folder(folder)
    name, first = next(iter(splits.items()))
    if len(first.categories) != CATEGORIES:
        message = f"{folder}: {len(first.categories)} of ecoset's {CATEGORIES} categories in {name}"
        warnings.warn(message, DataWarning, stacklevel=2)
    return splits
