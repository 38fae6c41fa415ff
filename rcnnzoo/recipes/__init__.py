"""Recipes for `rcnnzoo reproduce`: which networks are trained on what, and what is asked of them; one TOML file each.

What a file may hold is in `recipes.reading`. This module is the plugin that registers the built-in ones.
"""

from __future__ import annotations

from pathlib import Path

from rcnnzoo.hookspecs import Recipe, hookimpl

HERE = Path(__file__).parent
DIGITS, CIFAR10, ECOSET, IMAGENET = (HERE / f"{name}.toml" for name in ("digits", "cifar10", "ecoset", "imagenet"))


@hookimpl
def rcnnzoo_recipes() -> list[Recipe]:
    """From minutes on a laptop to the paper's own scale."""
    return [
        Recipe("digits", "the paper's questions in minutes, on handwritten digits", "rcnnzoo.recipes:DIGITS"),
        Recipe("cifar10", "the paper at small scale, on small photographs", "rcnnzoo.recipes:CIFAR10"),
        Recipe("ecoset", "the paper at full scale, on ecoset", "rcnnzoo.recipes:ECOSET"),
        Recipe("imagenet", "the paper at full scale, on ImageNet", "rcnnzoo.recipes:IMAGENET"),
    ]
