"""Which categories a network takes for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from rcnnzoo.analysis.intervals import wilson


def by_category(confusion: npt.NDArray[np.int64], categories: Sequence[str]) -> pd.DataFrame:
    """Accuracy of each category: `category, images, accuracy, low, high` (95 % Wilson interval), NaN without images.

    Args:
        confusion: Images by true category (rows) and answer (columns), [C, C].
        categories: Their names.

    >>> by_category(np.array([[3, 1], [0, 0]]), ["cat", "dog"])["accuracy"].tolist()
    [0.75, nan]
    """
    rows = []
    for number, name in enumerate(categories):
        images, right = int(confusion[number].sum()), int(confusion[number, number])
        low, high = wilson(right, images) if images else (np.nan, np.nan)
        share = right / images if images else np.nan
        rows.append({"category": name, "images": images, "accuracy": share, "low": low, "high": high})
    return pd.DataFrame(rows)


def most_confused(confusion: npt.NDArray[np.int64], categories: Sequence[str], most: int) -> pd.DataFrame:
    """The commonest wrong answers: `category, answer, images, share` of that category's images, most images first.

    >>> most_confused(np.array([[3, 1], [2, 2]]), ["cat", "dog"], 1).to_dict("list")
    {'category': ['dog'], 'answer': ['cat'], 'images': [2], 'share': [0.5]}
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    rows, columns = np.unravel_index(order[wrong.ravel()[order] > 0], wrong.shape)
    return pd.DataFrame(
        {
            "category": [categories[row] for row in rows],
            "answer": [categories[column] for column in columns],
            "images": wrong[rows, columns],
            "share": wrong[rows, columns] / confusion[rows].sum(axis=1),
        }
    )


def as_table(confusion: npt.NDArray[np.int64], categories: Sequence[str]) -> pd.DataFrame:
    """The matrix with names: the true category in its first column, then one column per answer."""
    table = pd.DataFrame(confusion, columns=list(categories))
    table.insert(0, "category / answer", list(categories))
    return table
