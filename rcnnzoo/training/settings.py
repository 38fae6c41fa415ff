"""Everything that determines a run, as `config.toml` holds it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast, get_type_hints

import tomli_w

from rcnnzoo import plugins
from rcnnzoo.architectures.build import build
from rcnnzoo.data.images import usual_size
from rcnnzoo.data.opening import Data, find_folder, open_data
from rcnnzoo.data.unreadable import MOST
from rcnnzoo.errors import OptionError, TrainingError, UnknownName
from rcnnzoo.hookspecs import Architecture
from rcnnzoo.training.precision import best_precision
from rcnnzoo.training.recipes import MODERN, Recipe, recipe
from rcnnzoo.writing import whole

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
CHANGEABLE = frozenset({"workers", "max_bad", "data_dir"})
"""Settings that leave the result alone, so that a run may be resumed with others."""


@dataclass(frozen=True)
class Settings:
    """A run: what is trained, on what, and how. Fields of the recipe: `recipes.Recipe`.

    Attributes:
        architecture: Name of the network.
        data: Registered name or folder of the images.
        data_dir: Where a registered data set lies.
        val_fraction: Part of the training images held out as val.
        image_size: Side of the images in pixels.
        width: Multiplies the network's feature maps.
        steps: Time steps.
        pretrained: Whether training starts from the architecture's pretrained weights.
        classifiers_only: Whether everything but the classifiers stays as it is.
        seed: Of weights, order and variation of the images.
        mirrored: Whether images may be mirrored.
        precision: `auto`, `fp32`, `bf16` or `fp16`; in a run's file what `auto` came to.
        compile: Whether torch compiles the network.
        deterministic: Whether only deterministic algorithms are allowed (needed on CUDA for equal files).
        workers: Processes that decode large images; -1 for as many as there are processors, at most 8.
        max_bad: Unreadable images to skip before giving up.
        recipe: Name of the recipe that the numbers below come from, unless given.
    """

    architecture: str
    data: str
    image_size: int
    recipe: str
    epochs: int
    batch_size: int
    lr: float
    optimizer: str
    schedule: str
    weight_decay: float
    label_smoothing: float
    ema: float
    batch_norm_momentum: float
    clip: float
    mirrored: bool
    steps: int
    data_dir: str = ""
    val_fraction: float = 0.0
    width: float = 1.0
    pretrained: bool = False
    classifiers_only: bool = False
    seed: int = 0
    precision: str = "auto"
    compile: bool = False
    deterministic: bool = False
    workers: int = -1
    max_bad: int = MOST

    def __post_init__(self) -> None:
        least = {"epochs": 1, "batch_size": 1, "image_size": 2, "steps": 1, "workers": -1, "max_bad": 0, "seed": 0}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise OptionError(f"--{name.replace('_', '-')} {getattr(self, name)}: take at least {number}")
        if self.seed >= 2**32:
            raise OptionError(f"--seed {self.seed}: take a number below 2**32")
        for name, most in {"lr": 1000, "width": 1000, "batch_norm_momentum": 1}.items():
            if not 0 < getattr(self, name) <= most:
                raise OptionError(
                    f"--{name.replace('_', '-')} {getattr(self, name)}: take a number above 0, up to {most}"
                )
        for name in ("weight_decay", "label_smoothing", "ema", "clip", "val_fraction"):
            limit = 1 if name in ("label_smoothing", "ema", "val_fraction") else float("inf")
            if not 0 <= getattr(self, name) < limit:
                raise OptionError(
                    f"--{name.replace('_', '-')} {getattr(self, name)}: take a number from 0 below {limit}"
                )
        if self.precision not in PRECISIONS:
            raise UnknownName("precision", self.precision, PRECISIONS, "--precision")

    def open_data(self) -> Data:
        """The run's images, with what it holds out of them."""
        return open_data(
            self.data,
            Path(self.data_dir) if self.data_dir else None,
            val_fraction=self.val_fraction or None,
            seed=self.seed,
        )


def settle(given: Mapping[str, Any]) -> tuple[Settings, Data]:
    """Complete what a user gave: image size by the data, the other numbers by the recipe.

    Raises:
        OptionError: Something needed is missing, or a value can't work.
        UnknownName: There is no such architecture, data set or recipe.
        DataError: The images can't be used.
    """
    for name, how in (("architecture", "name one, as in `rcnnzoo train bl`"), ("data", "give --data")):
        if name not in given:
            raise OptionError(f"no {name}: {how}, or --config FILE that says it")
    architecture = cast(Architecture, plugins.describe("architectures", given["architecture"]))
    data_dir = Path(given["data_dir"]) if given.get("data_dir") else None
    data = open_data(given["data"], data_dir, val_fraction=given.get("val_fraction") or None, seed=given.get("seed", 0))
    if "train" not in data.splits:
        raise OptionError(f"--data {given['data']} has no train split: hold images out with --val-fraction 0.1")
    image_size = given.get("image_size")
    image_size = usual_size(data.split("train")) if image_size is None else image_size
    name = given.get("recipe", MODERN)
    start: Recipe = recipe(name, given["architecture"], image_size)
    usual = {"mirrored": data.mirrored, "steps": architecture.steps}
    settled = {**asdict(start), **usual, **given, "image_size": image_size, "recipe": name}
    if settled["steps"] is None:
        width = given.get("width", 1.0)
        settled["steps"] = build(given["architecture"], image_size=image_size, width=width).num_steps
    # The settings may be used from another folder, or without the variable that said where the images lie.
    if given["data"] in plugins.names("data"):
        folder = find_folder(given["data"], data_dir)
        settled["data_dir"] = "" if folder is None else str(folder.resolve())
    else:
        settled["data"] = str(Path(given["data"]).resolve())
    settings = Settings(**settled)
    if settings.precision == "auto":
        settings = replace(settings, precision=best_precision())
    return settings, data


def read_settings(file: Path) -> dict[str, Any]:
    """What a settings file says, checked for names and types.

    Raises:
        OptionError: It can't be read, or has an unknown name or a value of another type.
    """
    try:
        given = tomllib.loads(file.read_text("utf-8-sig"))  # some editors put a mark in front
    except OSError as error:
        raise OptionError(f"--config {file}: can't be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"--config {file}: no TOML file ({error})") from error
    types = get_type_hints(Settings)
    for name, value in given.items():
        if name not in types:
            raise UnknownName("setting", name, types, str(file))
        wanted = types[name]
        if wanted is float and type(value) is int and abs(value) < 2**53:
            given[name] = float(value)
        elif type(value) is not wanted:
            raise OptionError(f"{file}: {name} = {value!r} should be of type {wanted.__name__}")
    return given


def load_settings(file: Path) -> Settings:
    """The settings of a run.

    Raises:
        OptionError: The file can't be read, or doesn't say all of them.
    """
    given = read_settings(file)
    missing = [field.name for field in fields(Settings) if field.name not in given and field.default is MISSING]
    if missing:
        raise OptionError(f"{file}: doesn't say {missing[0]}; it is not the file that `rcnnzoo train` wrote")
    return Settings(**given)


def is_same_data(given: str, of_run: str) -> bool:
    """Whether what a user typed after `--data` is what a run was trained on."""
    return given == of_run or (given not in plugins.names("data") and str(Path(given).resolve()) == of_run)


def write_settings(settings: Settings, file: Path) -> None:
    """Write a file from which `rcnnzoo train --config` repeats the run."""
    with whole(file) as temporary:
        temporary.write_text(tomli_w.dumps(asdict(settings)))


def check_same(settings: Settings, file: Path) -> None:
    """Refuse to resume a run with settings that change its result.

    Raises:
        TrainingError: They differ; the message names the first three.
    """
    before = read_settings(file)
    differences = [
        f"{field.name} {before.get(field.name)!r}, not {getattr(settings, field.name)!r}"
        for field in fields(settings)
        if field.name not in CHANGEABLE and before.get(field.name, field.default) != getattr(settings, field.name)
    ]
    if differences:
        raise TrainingError(
            f"{file.parent}: can't be resumed, it was started with {'; '.join(differences[:3])}: "
            "resume with those, or give another --out"
        )
