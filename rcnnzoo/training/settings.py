"""Everything that determines a run, as `config.toml` holds it and `rcnnzoo train` takes it; light to import."""

from __future__ import annotations

import inspect
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, get_type_hints

import tomli_w

from rcnnzoo.data.unreadable import MOST
from rcnnzoo.devices import DTYPES
from rcnnzoo.errors import OptionError, TrainingError, UnknownName, reason
from rcnnzoo.training.recipes import DEFAULT, RECIPES
from rcnnzoo.training.schedules import SCHEDULES
from rcnnzoo.writing import atomic_write

PRECISIONS = ("auto", *DTYPES)
AUTO = "auto"
TRACKERS = ("tensorboard", "wandb")
"""Experiment trackers, which are called like the packages that they come from."""
OF_RECIPE = "that of the recipe"
CHANGEABLE = frozenset({"workers", "max_bad", "data_dir", "checkpoint_minutes", "tracker"})
"""Settings that don't affect the result, so that a run may be resumed with different ones."""
LONGEST = 100
"""Number of characters of a wrong value that are shown."""


@dataclass(frozen=True)
class Limit:
    """The numbers that a setting may have, and the advice for others."""

    allows: Callable[[float], bool]
    advice: str


def at_least(least: int) -> Limit:
    """That number or more."""
    return Limit(lambda number: number >= least, f"take at least {least}")


def within(least: int, most: int) -> Limit:
    """From one number to another."""
    return Limit(lambda number: least <= number <= most, f"take a number from {least} to {most:,}")


def positive(most: float) -> Limit:
    """Above 0, up to that."""
    return Limit(lambda number: 0 < number <= most, f"take a number above 0, up to {most}")


def from_zero(limit: float = inf) -> Limit:
    """From 0, below that."""
    return Limit(lambda number: 0 <= number < limit, f"take a number from 0 below {limit}")


def setting(text: str, limit: Limit | None = None, default: Any = MISSING, shown: str = "") -> Any:
    """A field of `Settings`.

    Args:
        text: Help text of its option.
        limit: The numbers that it may have.
        default: Its default.
        shown: The default as shown in the help.
    """
    return field(default=default, metadata={"help": text, "limit": limit, "shown": shown})


@dataclass(frozen=True)
class Settings:
    """A run: what is trained, on what, and how.

    Each field is an option of `rcnnzoo train`; the default of a field without one comes from
    the recipe, the architecture and the data.
    """

    architecture: str = setting("Architecture to train (`rcnnzoo list architectures`).")
    data: str = setting("A registered data set, a folder of class folders, or a packed one, or the URL of that.")
    image_size: int = setting(
        "Side of the images in pixels.", within(2, 10_000), shown="32 for images up to 48 pixels, else 128"
    )
    recipe: str = setting(f"Preset for options you leave out: {' or '.join(RECIPES)}.", shown=DEFAULT)
    epochs: int = setting("Passes through the training images.", within(1, 100_000), shown=OF_RECIPE)
    batch_size: int = setting(
        "Images per update.", within(1, 1_000_000), shown="that of the recipe, less for small data sets"
    )
    lr: float = setting("Highest learning rate.", positive(1000), shown=OF_RECIPE)
    optimizer: str = setting("Name of an optimizer in timm, or adam-epsilon-hat.", shown=OF_RECIPE)
    schedule: str = setting(f"Schedule of the learning rate: {', '.join(SCHEDULES)}.", shown=OF_RECIPE)
    weight_decay: float = setting("Weight decay; biases and batch norm have none.", from_zero(), shown=OF_RECIPE)
    label_smoothing: float = setting("Label smoothing.", from_zero(1), shown=OF_RECIPE)
    ema: float = setting(
        "Decay of an exponential moving average of the weights, 0 = off.", from_zero(1), shown=OF_RECIPE
    )
    batch_norm_momentum: float = setting(
        "Weight of a new batch in the running statistics of batch norm.", positive(1), shown=OF_RECIPE
    )
    clip: float = setting("Clip gradients to this norm, 0 = off.", from_zero(), shown=OF_RECIPE)
    mirrored: bool = setting("Flip training images left to right at random.", shown="as the data set allows")
    steps: int = setting("Number of time steps.", within(1, 10_000), shown="that of the architecture")
    data_dir: str = setting(
        "Folder of a registered data set, or for the copy of a URL.", default="", shown="$RCNNZOO_DATA"
    )
    val_fraction: float = setting("Fraction of the training images to hold out.", from_zero(1), 0.0, shown="0")
    td_lambda: float = setting(
        "Temporal-difference loss: 1 = each step learns the label, 0 = what the next step says, or in between.",
        Limit(lambda number: 0 <= number <= 1, "take a number from 0 to 1"),
        1.0,
        shown="1",
    )
    width: float = setting("Multiplier of the number of feature maps.", positive(1000), 1.0, shown="1")
    start_from: str = setting(
        "Start from the weights of this run, .safetensors file or hf://OWNER/NAME; other categories get a new "
        "classifier.",
        default="",
    )
    pretrained: bool = setting("Start from the architecture's pretrained weights, which are downloaded.", default=False)
    cascaded: bool = setting(
        "Build a cascade: all blocks run at every step, on what they received last.", default=False
    )
    classifiers_only: bool = setting("Train only the classifiers; the rest stays as it is.", default=False)
    seed: int = setting(
        "Random seed of initial weights, order and augmentation.",
        Limit(lambda number: 0 <= number < 2**32, "take a number from 0 below 2**32"),
        0,
        shown="0",
    )
    precision: str = setting(f"One of {', '.join(PRECISIONS)}.", default="auto", shown="auto")
    accumulate: int = setting(
        "Work through each batch in this many parts, which needs less memory; batch norm then sees parts.",
        within(1, 100_000),
        1,
        shown="1",
    )
    micro_batch: str = setting(
        "The same by the number of images that each process works through at once, or auto: the share of a process, "
        "halved until it fits into memory.",
        default="",
    )
    sync_batch_norm: bool = setting(
        "With several processes, compute batch-norm statistics over all of them.", default=False
    )
    checkpoint_activations: bool = setting(
        "Keep only the state between time steps, and compute the steps again in the backward pass: less memory, more "
        "time.",
        default=False,
    )
    compile: bool = setting("Compile the network with torch.compile.", default=False)
    deterministic: bool = setting("Use deterministic algorithms only (needed on CUDA).", default=False)
    workers: int = setting("Processes that decode large images.", within(-1, 1024), -1, shown="one per core, at most 8")
    checkpoint_minutes: float = setting(
        "Write a checkpoint at least this often, besides after each epoch.", positive(100_000), 10.0, shown="10"
    )
    tracker: str = setting(f"Also report to an experiment tracker: {' or '.join(TRACKERS)}.", default="")
    max_bad: int = setting("Unreadable images to skip before giving up.", at_least(0), MOST, shown=str(MOST))

    def __post_init__(self) -> None:
        for each in fields(self):
            value, limit = getattr(self, each.name), each.metadata["limit"]
            if limit is not None and not limit.allows(value):
                raise OptionError(f"`{each.name}` {value}: {limit.advice}")
        if self.micro_batch not in ("", AUTO) and not (self.micro_batch.isdecimal() and int(self.micro_batch)):
            raise OptionError(f"`micro_batch` {self.micro_batch}: take a number of images from 1, or auto")
        if self.micro_batch and self.accumulate > 1:
            raise OptionError("`accumulate` and `micro_batch` can't be combined: give one of them")
        if self.tracker and self.tracker not in TRACKERS:
            raise UnknownName("tracker", self.tracker, TRACKERS, "`tracker`")
        if self.precision not in PRECISIONS:
            raise UnknownName("precision", self.precision, PRECISIONS, "`precision`")


_LINES = "".join(f"    {each.name}: {each.metadata['help']}\n" for each in fields(Settings))
Settings.__doc__ = f"{inspect.cleandoc(Settings.__doc__ or '')}\n\nAttributes:\n{_LINES}"


def read_settings(file: Path) -> dict[str, Any]:
    """The contents of a settings file, with names and types checked.

    Raises:
        OptionError: It can't be read, or has an unknown name or a value of another type.
    """
    try:
        given = tomllib.loads(file.read_text("utf-8-sig"))  # some editors add a byte-order mark
    except OSError as error:
        raise OptionError(f"{file}: can't be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # also for numbers of thousands of digits, and very deep tables
        raise OptionError(f"{file}: is not a TOML file ({reason(error)})") from error
    return checked_types(given, str(file))


def checked_types(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Settings whose names and types are right; whole numbers are floats where these are wanted.

    Args:
        given: The settings.
        where: What they come from, for messages.

    Raises:
        OptionError: There is an unknown name or a value of another type.
    """
    types = get_type_hints(Settings)
    checked = dict(given)
    for name, value in given.items():
        if name not in types:
            raise UnknownName("setting", name, types, where)
        wanted = types[name]
        if wanted is float and type(value) is int and abs(value) < 2**53:
            checked[name] = float(value)
        elif type(value) is not wanted:
            shown = repr(value)
            shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."
            raise OptionError(f"{where}: {name} = {shown} should be of type {wanted.__name__}")
    return checked


def changed(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A file's settings, replaced by those that a user gave; another recipe brings its own numbers."""
    before = settings.get("recipe")
    is_other = before is not None and given.get("recipe", before) != before
    of_recipe = RECIPES[DEFAULT].settings if is_other else ()
    return {name: value for name, value in settings.items() if name not in of_recipe} | dict(given)


def load_settings(file: Path) -> Settings:
    """The settings of a run.

    Raises:
        OptionError: The file can't be read, or lacks some of them.
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
        temporary.write_text(tomli_w.dumps(asdict(settings)), encoding="utf-8")


def _is_place(data: str) -> bool:
    """Whether DATA is a folder rather than a registered name: it may have been moved, and its images are compared."""
    return os.sep in data


def check_same(settings: Settings, file: Path) -> None:
    """Refuse settings that change a run's result; more epochs are allowed if the earlier ones would be the same.

    Raises:
        TrainingError: They differ; the message names the first three.
    """
    before = read_settings(file)
    differing = _differing(settings, before)
    if differing == ["epochs"] and settings.epochs > before["epochs"]:
        if settings.schedule == "constant":
            return
        raise TrainingError(
            f"{file.parent}: its learning rate follows the schedule {settings.schedule}, which ends with epoch "
            f"{before['epochs']}: more epochs need another run, for example one that starts from this (`start_from`)"
        )
    if differing:
        shown = [f"{name} {before.get(name)!r}, not {getattr(settings, name)!r}" for name in differing[:3]]
        raise TrainingError(
            f"{file.parent}: can't be resumed, it was started with {'; '.join(shown)}: resume with the same settings, "
            "or give another folder (`out`)"
        )


def _differing(settings: Settings, before: Mapping[str, Any]) -> list[str]:
    """The settings that change a run's result and are not those of a file."""
    return [
        each.name
        for each in fields(settings)
        if each.name not in CHANGEABLE
        and before.get(each.name, each.default) != getattr(settings, each.name)
        and not (each.name == "data" and _is_place(before["data"]) and _is_place(settings.data))
    ]


def check_alike(files: Sequence[Path]) -> None:
    """Refuse runs that differ in more than their seed.

    Args:
        files: Their settings.

    Raises:
        TrainingError: They do; the message names the first two.
        OptionError: A file can't be read.
    """
    for file in files[1:]:
        before = read_settings(file)
        settings = load_settings(files[0])
        if differing := [name for name in _differing(settings, before) if name != "seed"]:
            name = differing[0]
            raise TrainingError(
                f"{file.parent}: has {name} {before.get(name)!r}, and {files[0].parent} {getattr(settings, name)!r}: "
                "members of one network differ in their seed alone; move one of them to another folder"
            )
