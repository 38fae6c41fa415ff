"""What a recipe for `rcnnzoo reproduce` says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from rcnnzoo import plugins
from rcnnzoo.errors import OptionError, PluginError, UnknownName, reason

Table = Mapping[str, str | int | float | bool]
"""Options of a command by their names, with _ for -."""


@dataclass(frozen=True)
class Recipe:
    """What is trained and asked, as a TOML file says it.

    Attributes:
        title: Of the report.
        data: What `--data` takes.
        networks: Architectures; the first is the one that the others are compared with.
        seeds: Of the members of each network, from the first to the last, like 0-2.
        policy: The exit policy of the speed-accuracy curve.
        readout: The readout of all measures.
        training: Options of `rcnnzoo train`.
        training_of: More of them for some networks, by name.
        behaviour: Options of `rcnnzoo behaviour`.
    """

    title: str
    data: str
    networks: list[str]
    seeds: str
    policy: str = "entropy"
    readout: str = "cumulative"
    training: Table = field(default_factory=dict)
    training_of: Mapping[str, Table] = field(default_factory=dict)
    behaviour: Table = field(default_factory=dict)


TYPES: Mapping[str, type] = {"networks": list, "training": dict, "training_of": dict, "behaviour": dict}
"""Those of a file's values that are not texts."""


def find_recipe(typed: str) -> Recipe:
    """The recipe of a registered name, or in a file that ends in .toml.

    Raises:
        UnknownName: There is no such recipe, or a key in it is misspelt.
        OptionError: The file can't be read, or does not say what it should.
        PluginError: A plugin's recipe is neither the path of a file nor a text.
    """
    if typed.endswith(".toml"):
        return read_recipe(_text_of(Path(typed)), typed)
    entry = plugins.look_up("recipes", typed)
    found = entry.load()
    if not isinstance(found, str | Path):
        raise PluginError(
            f"{entry.what} of {entry.package}: {entry.member.target} is neither a pathlib.Path nor a text"
        )
    return read_recipe(found if isinstance(found, str) else _text_of(found), entry.what)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise OptionError(f"{file}: can't be read as a recipe ({reason(error)})") from error


def read_recipe(text: str, where: str) -> Recipe:
    """The recipe that a text in TOML holds.

    Args:
        text: The content of a file.
        where: What it is called, for messages.

    Raises:
        OptionError: It is not TOML, or does not say what it should.
        UnknownName: A key is misspelt.
    """
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also for very deep tables
        raise OptionError(f"{where}: is not TOML ({reason(error)})") from error
    known = get_type_hints(Recipe)
    for name, value in content.items():
        if name not in known:
            raise UnknownName("key", name, known, where)
        wanted = TYPES.get(name, str)
        if not isinstance(value, wanted):
            raise OptionError(f"{where}: {name} must be a {_WORDS[wanted]}")
    needed = [each.name for each in fields(Recipe) if each.default is each.default_factory is MISSING]
    if missing := [name for name in needed if not content.get(name)]:
        raise OptionError(f"{where}: lacks {' and '.join(missing)}")
    recipe = Recipe(**content)
    _check(where, recipe)
    return recipe


_WORDS: Mapping[type, str] = {str: "text", list: "list of texts", dict: "table"}


def _check(where: str, recipe: Recipe) -> None:
    if not all(isinstance(name, str) for name in recipe.networks) or len(set(recipe.networks)) < len(recipe.networks):
        raise OptionError(f"{where}: networks must be a list of texts, each of them once")
    for name, table in recipe.training_of.items():
        if name not in recipe.networks:
            raise UnknownName("network", name, recipe.networks, f"training_of in {where}")
        if not isinstance(table, dict):
            raise OptionError(f"{where}: training_of.{name} must be a table")
    for table in (recipe.training, recipe.behaviour, *recipe.training_of.values()):
        for name, value in table.items():
            if not isinstance(value, str | int | float | bool):
                raise OptionError(f"{where}: {name} must be a text, a number, true or false")


def options(table: Mapping[str, Any]) -> list[str]:
    """A table as options of a command.

    >>> options({"batch_size": 64, "width": 0.125, "pretrained": True, "cascaded": False})
    ['--batch-size', '64', '--width', '0.125', '--pretrained']
    """
    words = []
    for name, value in table.items():
        flag = f"--{name.replace('_', '-')}"
        if value is not False:
            words += [flag] if value is True else [flag, str(value)]
    return words
