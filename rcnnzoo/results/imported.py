"""A network that was made from weights that others published: `rcnnzoo import`."""

from __future__ import annotations

from pathlib import Path

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.results.result import Result


def describe(network: RecurrentModel, file: Path, *, compared: bool = False) -> Result:
    """What it is, where it comes from, and where it lies.

    Args:
        network: What was imported.
        file: Where it was written to.
        compared: Whether the source was compared with a hash that its publisher gives.
    """
    card = card_of(network)
    first, *_, last = card.categories
    options = {name.replace("_", " "): f"{value:g}" for name, value in card.options.items()}
    facts = {
        "architecture": card.architecture,
        **options,
        "categories": f"{len(card.categories)} ({first} ... {last})",
        "SHA-256 of the source": (card.source or {}).get("sha256"),
    }
    rows = [{"": name, "value": value} for name, value in facts.items()]
    notes = [str(file)]
    if not compared:
        notes.insert(
            0, "Not every kind of damage shows by itself: compare the SHA-256 of the source with its publisher's."
        )
    return Result({"out": str(file), **card.to_dict()}, [(None, rows)], notes=notes)
