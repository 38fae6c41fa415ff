"""All checks of a package, or of a file that is not yet a package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.utils import canonicalize_name

from rcnnzoo import plugins
from rcnnzoo.checking.architectures import check_architecture
from rcnnzoo.checking.commands import check_command, imported_by
from rcnnzoo.checking.data import check_data
from rcnnzoo.checking.formats import check_format
from rcnnzoo.checking.policies import check_policy
from rcnnzoo.checking.readouts import check_readout
from rcnnzoo.checking.recipes import check_recipe
from rcnnzoo.checking.rows import Doubt, Fault, Row, run
from rcnnzoo.errors import PluginError, UnknownName
from rcnnzoo.plugins import Plugin, Registry

CHECKS: dict[str, Callable[[str], Iterator[Row]]] = {
    "architectures": check_architecture,
    "policies": check_policy,
    "readouts": check_readout,
    "data": check_data,
    "formats": check_format,
    "recipes": check_recipe,
    "commands": check_command,
}


def check_plugin(package: str) -> list[Row]:
    """One row per check of everything that a package registers.

    What the package prints goes to standard error; what it raises is a fault.

    Args:
        package: An installed package's name, or a path that ends in .py.

    Raises:
        UnknownName: There is no such plugin package.
        PluginError: There is no such file, or the package is not a plugin.

    >>> {row.outcome for row in check_plugin("rcnnzoo-behaviour")}
    {'ok'}
    """
    with plugins.quietly():
        return list(_rows_of_file(Path(package)) if package.endswith(".py") else _rows_of_package(package))


def _rows_of_file(file: Path) -> Iterator[Row]:
    if not file.is_file():
        raise PluginError(f"{file}: no such Python file")
    found, read = plugins.registry(), list[Plugin]()
    row = run("loads", file.name, lambda _: read.append(plugins.read_file(file)), None)
    if not read:
        yield row
        return
    if read[0] not in found.plugins:
        found.add(read[0])
    yield from _rows(file.name, read, found)


def _rows_of_package(typed: str) -> Iterator[Row]:
    found = plugins.registry()
    packages = {plugin.package for plugin in found.plugins} | {p for owners in found.left_out.values() for p in owners}
    package = next((name for name in packages if canonicalize_name(name) == canonicalize_name(typed)), None)
    if package is None:
        raise _not_there(typed, packages)
    yield from _rows(package, [plugin for plugin in found.plugins if plugin.package == package], found)


def _not_there(typed: str, packages: Iterable[str]) -> PluginError | UnknownName:
    """What to say about a package that is not a plugin, or not yet."""
    if Path(typed, "pyproject.toml").is_file():
        return PluginError(
            f"{typed}: a folder; install it (python -m pip install --editable {typed}) and name the package"
        )
    try:
        distribution(typed)
    except (PackageNotFoundError, ValueError):
        return UnknownName("plugin package", typed, packages, "rcnnzoo list plugins")
    return PluginError(
        f"{typed} is installed, but names no module as a plugin: add [project.entry-points.{plugins.GROUP}] to its "
        "pyproject.toml and install it again"
    )


def _rows(package: str, loaded: list[Plugin], found: Registry) -> Iterator[Row]:
    yield run("loads, its names are free", package, partial(_nothing_left_out, found), package)
    for plugin in loaded:
        yield run("imports quickly", package, _imports_quickly, plugin.module)
        for kind, members in plugin.members.items():
            for member in members:
                if plugins.package_of(kind, member.name) == package:
                    yield from CHECKS[kind](member.name)


def _nothing_left_out(found: Registry, package: str) -> None:
    faults = found.faults(package)
    if faults:
        raise Fault("; ".join(faults))


def _imports_quickly(module: str) -> None:
    heavy = imported_by(module)
    if heavy:
        raise Doubt(
            f"importing {module} imports {', '.join(heavy)}, which slows down every command: import it where it is used"
        )
