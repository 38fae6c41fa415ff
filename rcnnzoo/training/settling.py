"""From what a user typed to the settings of a run, and its images."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from rcnnzoo import plugins
from rcnnzoo.architectures.build import build
from rcnnzoo.data.folders import WHOLE
from rcnnzoo.data.images import usual_size
from rcnnzoo.data.opening import Data, open_data
from rcnnzoo.devices import best_precision
from rcnnzoo.errors import OptionError, RcnnzooWarning
from rcnnzoo.hookspecs import Architecture
from rcnnzoo.training.recipes import DEFAULT, recipe
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.starting import settings_of

LEAST_UPDATES = 10
"""Smallest number of updates in an epoch with a recipe's batch size: with few images, batches are smaller."""


def settle(given: Mapping[str, Any], *, begun: bool = False) -> tuple[Settings, Data]:
    """Complete what a user gave: the image size from the data, the other numbers from the recipe.

    Args:
        given: Values of `Settings` by name; `data` and `architecture` or `start_from` at least.
        begun: Whether the run has a checkpoint, so that the network that it started from, if any, is not needed.

    Raises:
        OptionError: Something needed is missing, or a value can't work.
        UnknownName: There is no such architecture, data set or recipe.
        DataError: The images can't be used.
    """
    brought = {} if begun else settings_of(given.get("start_from", ""), given)
    pinned = {"start_from": brought["start_from"]} if brought else {}
    given = {**brought, **given, **pinned}
    for name, how in (("architecture", "name one, as in `rcnnzoo train bl`"), ("data", "give `data`")):
        if name not in given:
            raise OptionError(f"{name} is missing: {how}, or a settings file that has it (`config`)")
    architecture = cast(Architecture, plugins.look_up("architectures", given["architecture"]).member)
    data = open_run_data(given["data"], given.get("data_dir", ""), given.get("val_fraction", 0), given.get("seed", 0))
    if "train" not in data.splits:
        raise OptionError(f"`data` {given['data']} has no train split: there are {', '.join(data.splits)}")
    image_size = given.get("image_size")
    image_size = usual_size(data.split("train")) if image_size is None else image_size
    name = given.get("recipe", DEFAULT)
    start = recipe(name, given["architecture"], image_size)
    start["batch_size"] = max(1, min(start["batch_size"], len(data.split("train")) // LEAST_UPDATES))
    usual = {"mirrored": data.mirrored, "steps": architecture.steps}
    # The settings may be used from another folder, or without the variable that points to the images.
    places = {"data": data.source, "data_dir": data.folder}
    settled = {**start, **usual, **given, **places, "image_size": image_size, "recipe": name}
    if settled["steps"] is None:
        options = {name: given[name] for name in ("width", "cascaded") if name in given}
        settled["steps"] = build(given["architecture"], image_size=image_size, **options).num_steps
    settings = Settings(**settled)
    if settings.precision == "auto":
        settings = replace(settings, precision=best_precision())
    _doubt(settings, data)
    return settings, data


def _doubt(settings: Settings, data: Data) -> None:
    """Warn of settings that are allowed but rarely intended."""
    images, size = len(data.split("train")), settings.batch_size
    if size > images // 2:
        message = f"`batch_size` {size} makes one update per epoch of {images} images: take a smaller one"
        warnings.warn(message, RcnnzooWarning, stacklevel=3)
    if data.best_test() == "train":
        message = f"{data.name}: no images are held out to measure accuracy on: give `val_fraction`, for example 0.1"
        warnings.warn(message, RcnnzooWarning, stacklevel=3)


def open_run_data(data: str, data_dir: str, val_fraction: float, seed: int) -> Data:
    """The images of a run, including those held out, according to these settings.

    All images of a folder without splits are training images, unless some are held out.
    """
    opened = open_data(data, Path(data_dir) if data_dir else None, val_fraction=val_fraction or None, seed=seed)
    if WHOLE in opened.splits:
        return replace(opened, splits={"train": opened.splits[WHOLE]})
    return opened
