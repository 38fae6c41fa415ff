"""From what a user gave to the settings of a run, and its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from rcnnzoo import plugins
from rcnnzoo.architectures.build import build
from rcnnzoo.data.images import usual_size
from rcnnzoo.data.opening import Data, open_data
from rcnnzoo.devices import best_precision
from rcnnzoo.errors import OptionError
from rcnnzoo.hookspecs import Architecture
from rcnnzoo.training.recipes import DEFAULT, recipe
from rcnnzoo.training.settings import Settings


def settle(given: Mapping[str, Any]) -> tuple[Settings, Data]:
    """Complete what a user gave: image size by the data, the other numbers by the recipe.

    Args:
        given: Values of `Settings` by name; `architecture` and `data` at least.

    Raises:
        OptionError: Something needed is missing, or a value can't work.
        UnknownName: There is no such architecture, data set or recipe.
        DataError: The images can't be used.
    """
    for name, how in (("architecture", "name one, as in `rcnnzoo train bl`"), ("data", "give `data`")):
        if name not in given:
            raise OptionError(f"no {name}: {how}, or a file that says it (`config`)")
    architecture = cast(Architecture, plugins.look_up("architectures", given["architecture"]).member)
    data = open_run_data(given["data"], given.get("data_dir", ""), given.get("val_fraction", 0), given.get("seed", 0))
    if "train" not in data.splits:
        raise OptionError(f"`data` {given['data']} has no train split: hold images out with `val_fraction` 0.1")
    image_size = given.get("image_size")
    image_size = usual_size(data.split("train")) if image_size is None else image_size
    name = given.get("recipe", DEFAULT)
    start = recipe(name, given["architecture"], image_size)
    usual = {"mirrored": data.mirrored, "steps": architecture.steps}
    # The settings may be used from another folder, or without the variable that said where the images lie.
    places = {"data": data.source, "data_dir": data.folder}
    settled = {**start, **usual, **given, **places, "image_size": image_size, "recipe": name}
    if settled["steps"] is None:
        width = given.get("width", 1.0)
        settled["steps"] = build(given["architecture"], image_size=image_size, width=width).num_steps
    settings = Settings(**settled)
    if settings.precision == "auto":
        settings = replace(settings, precision=best_precision())
    return settings, data


def open_run_data(data: str, data_dir: str, val_fraction: float, seed: int) -> Data:
    """The images of a run, with what it holds out of them: by its settings of these names."""
    return open_data(data, Path(data_dir) if data_dir else None, val_fraction=val_fraction or None, seed=seed)
