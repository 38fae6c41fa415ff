"""Starting from the weights of another network, whose categories may be others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.card import card_of, name_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.opening import Data
from rcnnzoo.errors import OptionError, WeightsError
from rcnnzoo.training.settings import Settings
from rcnnzoo.weights.files import load, read_header
from rcnnzoo.weights.hub import address_of, fetch, is_address
from rcnnzoo.writing import WEIGHTS

CLASSIFIER = "classifier."
"""Prefix of the names of a classifier's tensors, in every network that keeps the contract."""


def new_network(settings: Settings, data: Data, *, pretrained: bool = False) -> RecurrentModel:
    """The network of a run before training.

    Raises:
        UnknownName: There is no such architecture.
        OptionError: A setting can't work.
    """
    network = build(
        settings.architecture,
        categories=data.categories,
        image_size=settings.image_size,
        width=settings.width,
        steps=settings.steps,
        seed=settings.seed,
        pretrained=pretrained,
        cascaded=settings.cascaded,
    )
    if settings.td_lambda < 1 and network.num_steps == 1:
        raise OptionError(
            f"`td_lambda` {settings.td_lambda:g}: {name_of(network)} has one time step, and no later one to learn from"
        )
    return network


def settings_of(start: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that come from the network to start from: architecture, width, steps, whether it is a cascade, path.

    Args:
        start: A run folder or a `.safetensors` file; empty if training starts from new weights.
        given: Settings from the user, which must agree.

    Raises:
        WeightsError: There is no such file, or it can't be read.
        OptionError: The user's settings differ from it, or include another start.
    """
    if not start:
        return {}
    if given.get("pretrained"):
        raise OptionError("`start_from` and `pretrained` can't be combined: give one of them")
    file, place = _found(start)
    card, _ = read_header(file)
    options = card.get("options")
    options = {"cascaded": False, **(options if isinstance(options, dict) else {})}
    brought = {"architecture": card.get("architecture"), **options}
    settled = {name: brought[name] for name in ("architecture", "width", "steps", "cascaded") if name in brought}
    for name, value in settled.items():
        if given.get(name, value) != value:
            raise OptionError(f"`{name}` {given[name]}: {file} has {value}: leave it out, or start from another")
    return settled | {"start_from": place}


def _found(start: str) -> tuple[Path, str]:
    """The weight file of a run folder or of a repository on the Hub, or the file itself; and what names it for good."""
    if is_address(start):
        fetched = fetch(address_of(start))
        return fetched.path, str(fetched.address)  # by its commit, so that a later one changes nothing
    path = Path(start)
    file = path / WEIGHTS if path.is_dir() else path
    return file, str(file.resolve())


def take_weights(model: RecurrentModel, start: str) -> dict[str, Any]:
    """Load the weights of another network; if its categories differ, the classifier keeps its random weights.

    Returns:
        What the network's card records about its start.

    Raises:
        WeightsError: There is no such file, it is damaged, or its tensors do not match the network.
    """
    file, place = _found(start)
    other = load(file)
    same = list(card_of(other).categories) == list(card_of(model).categories)
    tensors = {name: tensor for name, tensor in other.state_dict().items() if same or not name.startswith(CLASSIFIER)}
    wanted = {name: tensor for name, tensor in model.state_dict().items() if same or not name.startswith(CLASSIFIER)}
    if {name: tensor.shape for name, tensor in tensors.items()} != {n: tensor.shape for n, tensor in wanted.items()}:
        raise WeightsError(f"{file}: its tensors don't match this network: start from one of the same kind")
    model.load_state_dict(tensors, strict=False)
    return {
        "file": place if is_address(start) else file.name,
        "sha256": card_of(other).sha256,
        "classifier": "kept" if same else "new",
    }
