"""What a network sees on image files: `rcnnzoo predict`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from rcnnzoo.results.naming import file_stem, in_words
from rcnnzoo.results.onset import REACTION_TIME, steps_before
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
    since_onset: bool = False,
) -> Result:
    """Category, confidence, reaction time and cost of each image; without a threshold all steps are run.

    Args:
        network: Any that has a card.
        files: Of the images.
        policy: A registered exit policy.
        threshold: At which images stop.
        readout: A registered readout.
        batch_size: Images per batch; by default what suits the device.
        conditions: What the network is shown, for how many time steps, and what is cut.
        since_onset: Whether to say reaction times since the image's onset as well.

    Raises:
        UnknownName: There is no such policy or readout.
        OptionError: The threshold is outside the policy's bounds, the network has no card, it can't be run under
            these conditions, or the image whose onset is asked for is never shown.
        DataError: A file is missing or no image.
    """
    categories = card_of(network).categories
    before = steps_before(conditions.programme(network.num_steps).image_onset) if since_onset else None
    unrolling = conditions.on(network.to(best_device()))
    sizes = {"categories": len(categories), "steps": unrolling.network.num_steps}
    if threshold is None:
        question, rule, stop = "predictions", make_rule("fixed-steps", inf, readout, **sizes), None
    else:
        question, rule = f"predictions-{policy}", make_rule(policy, threshold, readout, **sizes)
        stop = _in_words(policy, threshold)
    stem = file_stem(question, readout=readout)
    unusual = ", ".join(in_words(conditions, network.num_steps))
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
                **({} if before is None else {REACTION_TIME: prediction.reaction_time - before}),
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
            **_time(row),
            "MACs": row["macs"],
        }
        for row in rows
    ]
    return Result(
        [row | {"top": top} for row, top in zip(rows, tops, strict=True)],
        [(unusual or None, shown)],
        data={stem: pd.DataFrame(rows)},
        figures={stem: partial(draw_predictions, courses, stop, before, unusual)},
    )


def _time(row: Mapping[str, Any]) -> dict[str, object]:
    """The cell for a reaction time."""
    if REACTION_TIME in row:
        return {"steps since onset": row[REACTION_TIME]}
    return {"reaction time (steps)": row["reaction_time"]}


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
