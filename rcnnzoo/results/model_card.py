"""The page of a network on the Hugging Face Hub, written from its metadata and a trace."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from huggingface_hub import EvalResult, ModelCardData

from rcnnzoo.analysis.intervals import wilson
from rcnnzoo.architectures.card import Card, card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.errors import WeightsError
from rcnnzoo.profiling.summary import summarise
from rcnnzoo.results.result import interval, percent
from rcnnzoo.weights.hub import Address

FIGURE = "speed-accuracy.png"


@dataclass(frozen=True)
class Measured:
    """A network's accuracy.

    Attributes:
        by_step: One row per step, `step, accuracy, low, high`, as `measure_accuracy` gives.
        data: The data set.
        images: Which images of it, in words.
    """

    by_step: pd.DataFrame
    data: str
    images: str


KNOWN_LICENCES = frozenset(
    {"agpl-3.0", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "mit"}
    | {"mpl-2.0", "odbl", "openrail", "unlicense"}
    | {f"cc-by{more}-4.0" for more in ("", "-nc", "-nc-nd", "-nc-sa", "-nd", "-sa")}
)
"""Identifiers that the Hub knows and people often choose; it lists others as `other`, by name."""

CITATION = (
    "Please cite rcnnzoo and, for its own networks, Spoerer, Kietzmann, Mehrer, Charest & Kriegeskorte (2020), "
    "PLoS Computational Biology 16(10): e1008215, doi 10.1371/journal.pcbi.1008215. For a network of a plugin, its "
    "documentation names the article."
)


def write_model_card(
    model: RecurrentModel,
    address: Address,
    licence: str,
    measured: Measured | None = None,
    *,
    with_figure: bool = False,
) -> str:
    """The page in Markdown, with the front matter that the Hub reads.

    Args:
        model: The network, with its card.
        address: Where it is published.
        licence: What its weights may be used for.
        measured: Its accuracy; by default what the network's card claims.
        with_figure: Whether `FIGURE` lies beside the page.

    Raises:
        WeightsError: The card's metrics aren't numbers as they should be.
    """
    card = card_of(model)
    measured = measured or claimed(card)
    name = address.repository.partition("/")[2]
    parts = [
        f"# {name}",
        _about(model, card),
        "## How to load it",
        _loading(card, address),
        "## How accurate it is",
        _accuracy(measured),
        f"![Accuracy against multiply-accumulates at every threshold of entropy]({FIGURE})" if with_figure else "",
        "## What it costs",
        _cost(model),
        "## How it was trained",
        _training(card),
        "## Licence",
        _safe(licence),
        "## How to cite it",
        CITATION,
    ]
    front = _front_matter(card, name, licence, measured)
    return f"---\n{front.to_yaml()}\n---\n\n" + "\n\n".join(part for part in parts if part) + "\n"


def claimed(card: Card) -> Measured | None:
    """The accuracy that a card claims; None without one.

    Raises:
        WeightsError: It isn't a list of shares of a number of images.
    """
    metrics = card.metrics or {}
    if not metrics.get("accuracy") or not metrics.get("images"):
        return None
    rows = []
    try:
        number = int(metrics["images"])
        for step, share in enumerate(metrics["accuracy"], 1):
            low, high = wilson(round(share * number), number)
            rows.append({"step": step, "accuracy": share, "low": low, "high": high})
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"its metadata's metrics are not an accuracy by step of a number of images ({error})"
        ) from error
    data = str(metrics.get("data", "its test images"))
    what = f"{data}, {metrics.get('split', 'test')}, {number:,} images, readout {metrics.get('readout', 'cumulative')}"
    return Measured(pd.DataFrame(rows), data, what)


def identifier_of(licence: str) -> str:
    """A licence as the Hub writes it.

    >>> identifier_of("CC BY-NC 4.0"), identifier_of("GPL-3.0-only")
    ('cc-by-nc-4.0', 'gpl-3.0')
    """
    return "-".join(licence.lower().split()).removesuffix("-only").removesuffix("-or-later")


def _front_matter(card: Card, name: str, licence: str, measured: Measured | None) -> ModelCardData:
    identifier = identifier_of(licence)
    known = identifier in KNOWN_LICENCES
    more: dict[str, Any] = {"license": identifier} if known else {"license": "other", "license_name": identifier}
    if measured is not None:
        result = EvalResult(
            task_type="image-classification",
            dataset_type=measured.data,
            dataset_name=measured.images,
            metric_type="accuracy",
            metric_value=round(float(measured.by_step["accuracy"].iloc[-1]), 4),
        )
        more |= {"model_name": name, "eval_results": [result]}
    tags = ["rcnnzoo", "recurrent-convolutional-network", "early-exit", card.architecture]
    return ModelCardData(library_name="rcnnzoo", pipeline_tag="image-classification", tags=tags, **more)


def _about(model: RecurrentModel, card: Card) -> str:
    first, last = _safe(card.categories[0]), _safe(card.categories[-1])
    steps = "one time step" if model.num_steps == 1 else f"{model.num_steps} time steps"
    origin = "" if card.plugin is None else f" of the plugin {_safe(card.plugin)}"
    return (
        f"`{card.architecture}`{origin} with {steps}, {len(card.categories):,} categories ({first} ... {last}) and "
        f"images of {card.image_size}x{card.image_size} pixels, for rcnnzoo."
    )


def _loading(card: Card, address: Address) -> str:
    plugin = "" if card.plugin is None else f"Install its plugin first: {_safe(card.plugin)}.\n\n"
    return (
        f'{plugin}```python\nimport rcnnzoo\n\nnetwork = rcnnzoo.load("{address}")\n```\n\n'
        f"```sh\nrcnnzoo predict {address} photo.jpg --policy entropy --threshold 1\n```\n\n"
        "Weights are in safetensors format. A revision after the address (`@COMMIT`) keeps them the same for good."
    )


def _accuracy(measured: Measured | None) -> str:
    if measured is None:
        return "Its metadata hold no measured accuracy."
    rows = [
        {"step": row["step"], "top-1 %": percent(row["accuracy"]), "95 % interval": interval(row["low"], row["high"])}
        for row in measured.by_step.to_dict("records")
    ]
    return f"On {_safe(measured.images)}.\n\n{_table(rows)}"


def _cost(model: RecurrentModel) -> str:
    numbers = summarise(model)
    sums = pd.Series(numbers["macs_per_step"]).cumsum().tolist()
    rows = [
        {"steps run": step, "MACs of the step": f"{own:,}", "MACs so far": f"{total:,}"}
        for step, (own, total) in enumerate(zip(numbers["macs_per_step"], sums, strict=True), 1)
    ]
    return (
        f"{numbers['parameters']:,} parameters. Multiply-accumulates (MACs) of an image, convolutions and classifiers, "
        f"counted as direct convolution:\n\n{_table(rows)}"
    )


def _training(card: Card) -> str:
    if card.source:
        source = {**card.source, "format": card.source.get("format", "unknown")}
        return f"Its weights were imported from others.\n\n{_table(_pairs(source))}"
    if not card.training:
        return "Its metadata don't say."
    return _table(_pairs(card.training))


def _pairs(content: Mapping[str, Any]) -> list[dict[str, object]]:
    """Rows of what is set to one value: neither what is left out nor lists and tables."""
    shown = {name: value for name, value in content.items() if isinstance(value, str | int | float) and value != ""}
    return [{"": name.replace("_", " "), "value": value} for name, value in shown.items() if value is not False]


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows with equal keys, as a table of Markdown."""
    lines = [" | ".join(rows[0]), " | ".join("---" for _ in rows[0])]
    lines += [" | ".join(_safe(value) for value in row.values()) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _safe(value: object) -> str:
    """Text of others on a page: in one line, and nothing in it is taken for Markdown or HTML."""
    text = html.escape(" ".join(str(value).split()), quote=False)
    for mark in "\\`*_[]|~$@":
        text = text.replace(mark, f"\\{mark}")
    return re.sub(r"(?i)(https?|www)(?=[:.])", "\\1\u200b", text)  # an invisible space, so that no link is made
