"""What is known about a network: what rebuilds it, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from rcnnzoo.errors import OptionError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Card:
    """The description of a network; a weight file holds it as JSON.

    Attributes:
        architecture: The name that it was built by.
        options: What else it was built with: `image_size` (pixels), `steps`, `width`.
        categories: Their names, in the order of the logits.
        plugin: The package or file that provides the architecture; None if rcnnzoo does.
        pretrained: Whether it started from pretrained weights.
        preprocessing: What is done to an image before it is given to the network.
        training: How it was trained, and on what.
        metrics: Measured results: `accuracy` by step, and on which images.
        source: The file that it was imported from.
        licence: What its weights may be used for.
        rcnnzoo_version: Version of rcnnzoo that wrote the file.
        sha256: Hash of the file's content, as the file records it.
        notes: What a user added when it was saved.
    """

    architecture: str
    options: Mapping[str, Any]
    categories: Sequence[str]
    plugin: str | None = None
    pretrained: bool = False
    preprocessing: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] | None = None
    source: Mapping[str, Any] | None = None
    licence: str | None = None
    rcnnzoo_version: str | None = None
    sha256: str | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def image_size(self) -> int:
        """Side of the square images that it is meant for, in pixels."""
        return int(self.options["image_size"])

    def to_dict(self) -> dict[str, Any]:
        """As JSON: unknown fields are left out, and notes are on the same level as the fields.

        >>> Card("b", {"image_size": 32}, ["cat", "dog"], notes={"lab": "ours"}).to_dict()
        {'architecture': 'b', 'options': {'image_size': 32}, 'categories': ['cat', 'dog'], 'lab': 'ours'}
        """
        known = {name: getattr(self, name) for name in FIELDS}
        return {name: value for name, value in known.items() if value not in (None, False)} | dict(self.notes)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Card:
        """The card that JSON holds; names that are not fields become notes.

        Raises:
            KeyError: It lacks what rebuilds a network.
            TypeError: One of these has the wrong type.
        """
        categories, options = content["categories"], content["options"]
        if not isinstance(content["architecture"], str) or not isinstance(options, Mapping):
            raise TypeError("architecture is not a name, or options are not a table")
        if not isinstance(categories, list) or not all(isinstance(name, str) for name in categories):
            raise TypeError("categories are not a list of names")
        for name, kind in KINDS.items():
            if not isinstance(content.get(name), kind | None):
                raise TypeError(f"{name} is a {type(content[name]).__name__}")
        known = {name: value for name, value in content.items() if name in FIELDS}
        notes = {name: value for name, value in content.items() if name not in FIELDS}
        return cls(**{**known, "architecture": content["architecture"], "options": dict(options)}, notes=notes)


KINDS: dict[str, type] = {
    **dict.fromkeys(("preprocessing", "training", "metrics", "source"), Mapping),
    **dict.fromkeys(("plugin", "licence", "rcnnzoo_version", "sha256"), str),
}
"""What a field must be, if it is there."""
FIELDS = tuple(field.name for field in fields(Card) if field.name != "notes")


def card_of(model: nn.Module) -> Card:
    """The card of a network that needs one.

    Raises:
        OptionError: It has none.
    """
    card = getattr(model, "card", None)
    if not isinstance(card, Card):
        raise OptionError(
            f"{type(model).__name__} has no card that says what it is: build it with rcnnzoo.build, "
            "or set its attribute card to a rcnnzoo.plugin.Card"
        )
    return card


def name_of(model: nn.Module) -> str:
    """The architecture of a network, or its class where it has no card."""
    card = getattr(model, "card", None)
    return card.architecture if isinstance(card, Card) else type(model).__name__
