"""What every recipe must be: a file that can be read, of networks and data that are there."""

from __future__ import annotations

from collections.abc import Iterator

from rcnnzoo import plugins
from rcnnzoo.checking.rows import Check, Doubt, Fault, Row, run_all
from rcnnzoo.recipes.reading import Recipe, find_recipe


def check_recipe(name: str) -> Iterator[Row]:
    """One row per check of the recipe of that name; only the first, where it can't be read."""
    return run_all(f"recipe {name}", "read", lambda: find_recipe(name), CHECKS)


def names_networks(recipe: Recipe) -> str:
    """Its networks are registered."""
    unknown = [name for name in recipe.networks if plugins.package_of("architectures", name) is None]
    if unknown:
        raise Fault(f"its network {unknown[0]!r} is not registered")
    return ", ".join(recipe.networks)


def names_data(recipe: Recipe) -> str:
    """Its images are a registered data set: a path would be somebody's own."""
    if recipe.data not in plugins.names("data"):
        raise Fault(f"its data {recipe.data!r} are not a registered data set")
    return recipe.data


def names_rules(recipe: Recipe) -> None:
    """Its policy and readout are registered."""
    for kind, name in (("policies", recipe.policy), ("readouts", recipe.readout)):
        if name not in plugins.names(kind):
            raise Fault(f"its {'policy' if kind == 'policies' else 'readout'} {name!r} is not registered")


def has_controls(recipe: Recipe) -> None:
    """A network is compared with another."""
    if len(recipe.networks) < 2:
        raise Doubt("it has one network, so nothing is compared")


CHECKS: dict[str, Check[Recipe]] = {
    "networks": names_networks,
    "data": names_data,
    "policy and readout": names_rules,
    "controls": has_controls,
}
