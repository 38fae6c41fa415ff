"""The whole analysis of simulated people and networks, with few of everything."""

import numpy as np
import pandas as pd

from rcnnzoo_behaviour.analysis import analyse
from rcnnzoo_behaviour.entries import Entry, Settings, TimeCourses
from rcnnzoo_behaviour.human import People

IMAGES = 120
SETTINGS = Settings(folds=5, repeats=2, exchanges=199, refits=0, bootstraps=0, simulations=2, seed=3)


def people_of(uncertainty, **columns):
    """People who are divided so about images of four categories, two of them animate."""
    place = np.arange(len(uncertainty))
    table = pd.DataFrame({"image": place.astype(str), "category": (place % 4).astype(str), "animate": place % 2})
    return People(table.assign(uncertainty=uncertainty, **columns))


def network(name, entropies):
    """A network that is sure of "animate" where it is sure."""
    return TimeCourses(name, entropies, 1 - entropies)


def entry(name, *courses, random=()):
    return Entry(name, [network(f"{name}{place}", course) for place, course in enumerate(courses)], random)


def found(people, *entries, **changes):
    statistics = pd.DataFrame(np.random.default_rng(0).random((len(people.images), 2)), columns=["contrast", "clutter"])
    return analyse(people, entries, statistics, Settings(**{**vars(SETTINGS), **changes}))


def row(table, **cells):
    """The one row that has these cells."""
    for name, cell in cells.items():
        table = table[table[name] == cell]
    (only,) = table.to_dict("records")
    return only
