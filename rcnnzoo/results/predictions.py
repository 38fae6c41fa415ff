"""What a network sees on image files: `rcnnzoo predict`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.devices import best_device
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.engine.decide import make_rule
from rcnnzoo.engine.prediction import Prediction
from rcnnzoo.engine.prediction import predict as decide
from rcnnzoo.figures.prediction import Course, Rule, draw_predictions
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.policies.lookup import policy as look_up_policy
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.results.naming import file_stem
from rcnnzoo.results.result import Result, percent

DRAWN = 16
"""Images in a figure; more would not be looked at."""
TOP = 5


def predict(
    network: RecurrentModel,
    files: Sequence[Path],
    policy: str = POLICY,
    threshold: float | None = None,
    readout: str = READOUT,
    *,
    batch_size: int | None = None,
    conditions: Conditions = PLAIN,
) -> Result:
    """Category, confidence, reaction time and cost of each image; without a threshold all steps are run.

    Raises:
        UnknownName: There is no such policy or readout.
        OptionError: The threshold is outside the policy's bounds, the network has no card, or it can't be run under
            these conditions.
        DataError: A file is missing or no image.
    """
    categories = card_of(network).categories
    unrolling = conditions.on(network.to(best_device()))
    sizes = {"categories": len(categories), "steps": unrolling.network.num_steps}
    if threshold is None:
        question, rule, stop = "predictions", make_rule("fixed-steps", inf, readout, **sizes), None
    else:
        question, rule = f"predictions-{policy}", make_rule(policy, threshold, readout, **sizes)
        stop = _in_words(policy, threshold)
    stem = file_stem(question, readout=readout)
    rows: list[dict[str, Any]] = []
    tops: list[dict[str, list[float]]] = []
    courses: list[Course] = []
    for prediction in decide(unrolling, files, rule, batch_size):
        top = top_categories(prediction, categories)
        rows.append(
            {
                "image": str(prediction.file),
                "category": prediction.category,
                "confidence": prediction.confidence,
                "reaction_time": prediction.reaction_time,
                "macs": prediction.macs,
            }
        )
        tops.append(top)
        if len(courses) < DRAWN:
            courses.append(Course(prediction.file.name, prediction.pixels.permute(1, 2, 0).numpy(), top))
    shown = [
        {
            "image": row["image"],
            "category": row["category"],
            "confidence %": percent(row["confidence"]),
            "reaction time (steps)": row["reaction_time"],
            "MACs": row["macs"],
        }
        for row in rows
    ]
    return Result(
        [row | {"top": top} for row, top in zip(rows, tops, strict=True)],
        [(None, shown)],
        data={stem: pd.DataFrame(rows)},
        figures={stem: partial(draw_predictions, courses, stop)},
    )


def _in_words(policy: str, threshold: float) -> Rule:
    """When images stop, as the figure says it."""
    used = look_up_policy(policy)
    side = "or less" if used.direction == "below" else "or more"
    level = threshold if policy == "max-prob" else None
    return Rule(f"stops when {policy} is {threshold:g} {used.unit} {side}", level)


def top_categories(prediction: Prediction, categories: Sequence[str], most: int = TOP) -> dict[str, list[float]]:
    """The probability at each step up to the exit of the categories that lead there, the winner first."""
    order = prediction.probabilities[-1].argsort(descending=True, stable=True)[:most].tolist()
    return {categories[index]: prediction.probabilities[:, index].tolist() for index in order}
