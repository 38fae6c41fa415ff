"""What every command must do: import quickly, and say how it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import cast

import typer

from rcnnzoo import plugins
from rcnnzoo.checking.rows import Check, Fault, Row, run_all
from rcnnzoo.hookspecs import Command

HEAVY = ("torch", "timm", "torchvision", "xarray", "pandas", "scipy", "matplotlib", "sklearn")
"""Modules that should not delay a user who only asks for help."""
ASK = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[1])
importlib.import_module(sys.argv[2])
print("|".join(sys.modules))
"""


@dataclass(frozen=True)
class Source:
    """A command: its description, and the function."""

    description: Command
    function: Callable[..., object]


def check_command(name: str) -> Iterator[Row]:
    """One row per check of the command of that name; only the first if it can't be imported."""
    description = cast(Command, plugins.look_up("commands", name).member)
    return run_all(
        f"command {name}", "imported", lambda: Source(description, plugins.look_up("commands", name).load()), CHECKS
    )


def imports_quickly(command: Source) -> None:
    """Its module imports nothing heavy at the top."""
    heavy = imported_by(command.description.target.partition(":")[0])
    if heavy:
        raise Fault(
            f"importing it imports {', '.join(heavy)}, which slows down its --help: import them where they are used"
        )


def says_how_it_is_used(command: Source) -> None:
    """Its docstring is its help, and ends with an example to paste."""
    name = command.description.name
    app = typer.Typer(add_completion=False)
    app.command(name)(command.function)
    text = typer.main.get_command(app).help or ""
    if not text.strip() or text.strip().startswith("Example:"):
        raise Fault("its help is empty: write a docstring")
    if f"Example: rcnnzoo {name}" not in text:
        raise Fault(f'its help has no example: end the docstring with a line "Example: rcnnzoo {name} ..."')


CHECKS: dict[str, Check[Source]] = {"imports quickly": imports_quickly, "help": says_how_it_is_used}


@cache
def imported_by(module: str) -> list[str]:
    """Which heavy modules a module imports, found in a separate process.

    Raises:
        Fault: It can't be imported.
    """
    typed = [sys.executable, "-c", ASK, json.dumps(sys.path), module]
    process = subprocess.run(typed, capture_output=True, text=True, check=False)  # noqa: S603 - it is Python itself
    if process.returncode:
        raise Fault(f"importing {module} fails: {process.stderr.strip().splitlines()[-1]}")
    found = set(process.stdout.splitlines()[-1].split("|"))
    return [name for name in HEAVY if name in found]
