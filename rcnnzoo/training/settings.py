"""Everything that determines a run, as `config.toml` holds it and `rcnnzoo train` takes it; light to import."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, get_type_hints

import tomli_w

from rcnnzoo.data.unreadable import MOST
from rcnnzoo.devices import DTYPES
from rcnnzoo.errors import OptionError, TrainingError, UnknownName
from rcnnzoo.training.recipes import DEFAULT, RECIPES
from rcnnzoo.training.schedules import SCHEDULES
from rcnnzoo.writing import atomic_write

PRECISIONS = ("auto", *DTYPES)
CHANGEABLE = frozenset({"workers", "max_bad", "data_dir"})
"""Settings that leave the result alone, so that a run may be resumed with others."""


@dataclass(frozen=True)
class Limit:
    """Which numbers a setting may be, and how that is said."""

    allows: Callable[[float], bool]
    advice: str


def at_least(least: int) -> Limit:
    """No less than that."""
    return Limit(lambda number: number >= least, f"take at least {least}")


def positive(most: float) -> Limit:
    """Above 0, up to that."""
    return Limit(lambda number: 0 < number <= most, f"take a number above 0, up to {most}")


def from_zero(limit: float = inf) -> Limit:
    """From 0, below that."""
    return Limit(lambda number: 0 <= number < limit, f"take a number from 0 below {limit}")


def setting(text: str, limit: Limit | None = None, default: Any = MISSING) -> Any:
    """A field of `Settings`: what its option says, and which numbers it may be."""
    return field(default=default, metadata={"help": text, "limit": limit})


@dataclass(frozen=True)
class Settings:
    """A run: what is trained, on what, and how.

    Each field is an option of `rcnnzoo train`; what a field without a default is, unless a user says so, comes from
    the recipe, the architecture and the data.
    """

    architecture: str = setting("What to train (`rcnnzoo list architectures`).")
    data: str = setting("A registered name or a folder of class folders.")
    image_size: int = setting("Side in pixels (32 for images up to 48, else 128).", at_least(2))
    recipe: str = setting(f"The numbers not given: {' or '.join(RECIPES)} ({DEFAULT}).")
    epochs: int = setting("Passes through the images.", at_least(1))
    batch_size: int = setting("Images per update.", at_least(1))
    lr: float = setting("Highest learning rate.", positive(1000))
    optimizer: str = setting("A name of timm's, or adam-epsilon-hat.")
    schedule: str = setting(f"One of {', '.join(SCHEDULES)}.")
    weight_decay: float = setting("Of kernels only.", from_zero())
    label_smoothing: float = setting("Share of a label spread over all.", from_zero(1))
    ema: float = setting("Decay of a running average of the weights; 0: none.", from_zero(1))
    batch_norm_momentum: float = setting("Weight of a new batch in batch norm's statistics.", positive(1))
    clip: float = setting("Largest norm of a gradient; 0: any.", from_zero())
    mirrored: bool = setting("Whether images may be mirrored (by the data).")
    steps: int = setting("Time steps (the architecture's own).", at_least(1))
    data_dir: str = setting("Where a registered data set lies ($RCNNZOO_DATA).", default="")
    val_fraction: float = setting("Part of the training images to hold out.", from_zero(1), 0.0)
    width: float = setting("Multiplies the number of feature maps (1).", positive(1000), 1.0)
    pretrained: bool = setting("Start from the architecture's pretrained weights, downloaded.", default=False)
    classifiers_only: bool = setting("Train the classifiers alone; the rest stays as it is.", default=False)
    seed: int = setting(
        "Of weights, order and variation (0).",
        Limit(lambda number: 0 <= number < 2**32, "take a number from 0 below 2**32"),
        0,
    )
    precision: str = setting(f"One of {', '.join(PRECISIONS)} (auto).", default="auto")
    compile: bool = setting("Let torch compile the network.", default=False)
    deterministic: bool = setting("Only deterministic algorithms (CUDA needs this).", default=False)
    workers: int = setting("Processes that decode large images (one a core).", at_least(-1), -1)
    max_bad: int = setting("Unreadable images to skip before giving up (10).", at_least(0), MOST)

    def __post_init__(self) -> None:
        for each in fields(self):
            value, limit = getattr(self, each.name), each.metadata["limit"]
            if limit is not None and not limit.allows(value):
                raise OptionError(f"`{each.name}` {value}: {limit.advice}")
        if self.precision not in PRECISIONS:
            raise UnknownName("precision", self.precision, PRECISIONS, "`precision`")


_LINES = "".join(f"    {each.name}: {each.metadata['help']}\n" for each in fields(Settings))
Settings.__doc__ = f"{inspect.cleandoc(Settings.__doc__ or '')}\n\nAttributes:\n{_LINES}"


def read_settings(file: Path) -> dict[str, Any]:
    """What a settings file says, checked for names and types.

    Raises:
        OptionError: It can't be read, or has an unknown name or a value of another type.
    """
    try:
        given = tomllib.loads(file.read_text("utf-8-sig"))  # some editors put a mark in front
    except OSError as error:
        raise OptionError(f"{file}: can't be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{file}: is not a TOML file ({error})") from error
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


def changed(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A file's settings with those that a user gave in their place; another recipe brings its own numbers."""
    before = settings.get("recipe")
    is_other = before is not None and given.get("recipe", before) != before
    of_recipe = RECIPES[DEFAULT].settings if is_other else ()
    return {name: value for name, value in settings.items() if name not in of_recipe} | dict(given)


def load_settings(file: Path) -> Settings:
    """The settings of a run.

    Raises:
        OptionError: The file can't be read, or doesn't say all of them.
    """
    given = read_settings(file)
    missing = [each.name for each in fields(Settings) if each.name not in given and each.default is MISSING]
    if missing:
        raise OptionError(f"{file}: doesn't say {missing[0]}; it is not the file that `rcnnzoo train` wrote")
    try:
        return Settings(**given)
    except OptionError as error:
        raise OptionError(f"{file}: {error}") from error


def write_settings(settings: Settings, file: Path) -> None:
    """Write a file from which `rcnnzoo train --config` repeats the run."""
    with atomic_write(file) as temporary:
        temporary.write_text(tomli_w.dumps(asdict(settings)))


def check_same(settings: Settings, file: Path) -> None:
    """Refuse to resume a run with settings that change its result.

    Raises:
        TrainingError: They differ; the message names the first three.
    """
    before = read_settings(file)
    differences = [
        f"{each.name} {before.get(each.name)!r}, not {getattr(settings, each.name)!r}"
        for each in fields(settings)
        if each.name not in CHANGEABLE and before.get(each.name, each.default) != getattr(settings, each.name)
    ]
    if differences:
        raise TrainingError(
            f"{file.parent}: can't be resumed, it was started with {'; '.join(differences[:3])}: "
            "resume with those, or give another folder (`out`)"
        )
