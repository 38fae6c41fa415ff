"""Finding plugins and looking names up.

The loop over entry points is our own, because pluggy's own neither guards the import nor reports a name that two
packages claim. A plugin that fails in any way is left out as a whole, and a warning names it; where
`RCNNZOO_STRICT_PLUGINS` is set, that is an error.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import pkgutil
import sys
import traceback
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, entry_points, metadata, version
from pathlib import Path
from typing import Any, cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rcnnzoo.errors import PluginError, RcnnzooError, RcnnzooWarning, UnknownName
from rcnnzoo.hooks import members_of
from rcnnzoo.hookspecs import KINDS, Architecture, Format, Member
from rcnnzoo.registry import CORE, Plugin, Registry

GROUP = "rcnnzoo"
STRICT = "RCNNZOO_STRICT_PLUGINS"
LOAD = "RCNNZOO_LOAD_PLUGINS"


class PluginWarning(RcnnzooWarning):
    """A plugin, or one of its names, was left out."""


def names(kind: str) -> list[str]:
    """Names of a kind (a key of `KINDS`) in the order they were registered."""
    return list(registry().members[kind])


def listing() -> list[dict[str, Any]]:
    """A row (name, kind, package, description) for everything installed, the plugins themselves last.

    An architecture's has more: whether it can be shown changing stimuli (`presentable`), where it gets trained weights
    (`weights`: an option, or formats that `rcnnzoo import` reads), and its package's `licence`.
    """
    found = registry()
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": kind,
            "package": package,
            "description": member.description,
            **(_about(name, member, package, found) if isinstance(member, Architecture) else {}),
        }
        for kind, members in found.members.items()
        for name, (member, package) in members.items()
    ]
    plugins = [
        {
            "name": plugin.name,
            "kind": "plugins",
            "package": plugin.package,
            "description": f"version {plugin.version}" if plugin.version else "a file",
        }
        for plugin in found.plugins
    ]
    return rows + plugins


def _about(name: str, architecture: Architecture, package: str, found: Registry) -> dict[str, Any]:
    """What else the listing says of an architecture."""
    formats = [(format_name, cast(Format, member)) for format_name, (member, _) in found.members["formats"].items()]
    weights = ["--pretrained"] * architecture.pretrained
    weights += [f"import {format_name}" for format_name, member in formats if name in member.architectures]
    return {"presentable": architecture.presentable, "weights": weights, "licence": licence_of(package)}


def licence_of(package: str) -> str | None:
    """The licence that a package's metadata name; None for a file, or where they name none."""
    try:
        about = metadata(package)
    except PackageNotFoundError:
        return None
    found = [about[name] for name in ("License-Expression", "License") if name in about]
    return found[0].partition("\n")[0] if found else None  # older packages have the whole text there


@dataclass(frozen=True)
class Entry:
    """The member that a name refers to.

    Attributes:
        what: The kind and the name, for messages.
        member: The description registered under it.
        package: The package that registered it.
    """

    what: str
    member: Member
    package: str

    def load(self) -> Any:
        """Import what the description names.

        Raises:
            PluginError: It can't be imported.
        """
        if self.package == CORE:
            return pkgutil.resolve_name(self.member.target)
        try:
            with quietly():
                return pkgutil.resolve_name(self.member.target)
        except (Exception, SystemExit) as error:
            what = f"{self.what} of {self.package} can't be used"
            raise PluginError(f"{what}: importing {self.member.target} failed: {one_line(error)}") from error

    @property
    def origin(self) -> str | None:
        """Where it comes from, for people: `PACKAGE VERSION` or `FILE.py`; None if rcnnzoo itself."""
        found = (plugin for plugin in registry().plugins if plugin.package == self.package != CORE)
        return next((f"{plugin.package} {plugin.version}".rstrip() for plugin in found), None)


def look_up(kind: str, name: str) -> Entry:
    """The member that a name refers to.

    Raises:
        UnknownName: It is not registered.
        PluginError: Two packages claim it.
    """
    found = registry()
    known = _registered(kind, name)
    what = f"{KINDS[kind].singular} {name!r}"
    if known in found.members[kind]:
        return Entry(what, *found.members[kind][known])
    if (kind, known) in found.contested:
        packages = " and ".join(found.contested[kind, known])
        raise PluginError(f"{what} is claimed by {packages}: uninstall all but one of them")
    where = f"rcnnzoo list {kind}" if kind != "commands" else "rcnnzoo --help"
    raise UnknownName(KINDS[kind].singular, name, found.members[kind], f"{where}, or --plugin FILE.py")


def package_of(kind: str, name: str) -> str | None:
    """The package that registered a name; None if it is not registered."""
    _, package = registry().members[kind].get(_registered(kind, name), (None, None))
    return package


def _registered(kind: str, name: str) -> str:
    """What a name is registered as: itself, or its family, `zoo/*` for `zoo/NAME`."""
    found = registry()
    family = f"{name.partition('/')[0]}/*"
    known = name in found.members[kind] or (kind, name) in found.contested
    return name if known or "/" not in name else family


@dataclass(frozen=True)
class Culprit:
    """The plugin whose code raised an error, or called what raised it: the package, and the line, `FILE.py, line N`."""

    package: str
    place: str


def culprit(error: BaseException) -> Culprit | None:
    """Where in a plugin's code an error arose; None if it arose in ours."""
    owners = {plugin.module.partition(".")[0]: plugin.package for plugin in registry().plugins}
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = owners.get(str(frame.f_globals.get("__name__")).partition(".")[0])
        if package is not None:
            found = Culprit(package, f"{Path(frame.f_code.co_filename).name}, line {line}")
    return None if found is None or found.package == CORE else found


def read_file(file: Path) -> Plugin:
    """A plugin from a file that is not a package yet; its members belong to the package `FILE.py`.

    It is imported by its name from its folder, which is put last on Python's path: a target `"mine:build"` of mine.py
    then means the same here and in processes that this one starts.

    Raises:
        PluginError: There is no such file, it can't be imported, or its hooks aren't as they should be.
    """
    if file.suffix != ".py" or not file.is_file():
        raise PluginError(f"{file}: no such Python file")
    if not file.stem.isidentifier():
        raise PluginError(f"{file}: is not a valid name for a Python module; use letters, digits and _ only")
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    importlib.invalidate_caches()
    try:
        with quietly():
            found = importlib.util.find_spec(file.stem)
            if found is None or found.origin is None or not _is_same(file, found.origin):
                where = f" ({found.origin})" if found is not None and found.origin is not None else ""
                raise PluginError(
                    f"Python already has another module of that name, {file.stem!r}; rename the file, or leave it out "
                    f"if that is the plugin{where}"
                )
            members = members_of(importlib.import_module(file.stem))
    except (Exception, SystemExit) as error:
        raise PluginError(f"{file}: {one_line(error)}") from error
    return Plugin(file.stem, file.name, "", file.stem, members)


def _is_same(file: Path, origin: str) -> bool:
    """Whether a module comes from a file; `built-in` and `frozen` ones come from none."""
    return Path(origin).exists() and file.samefile(origin)


def load_file(file: Path) -> Plugin:
    """Register a file that is not a package yet, for as long as this process lasts; a second time changes nothing.

    Raises:
        PluginError: It can't be read, or one of its names is taken: a file that was asked for must be complete.
    """
    found, plugin = registry(), read_file(file)
    if plugin not in found.plugins:
        found.add(plugin)
    for fault in found.faults(plugin.package):
        raise PluginError(fault)
    return plugin


@cache
def registry() -> Registry:
    """Everything installed, found once per process: our own first, then third parties' in order of their names.

    `RCNNZOO_LOAD_PLUGINS` (comma-separated entry-point or package names) limits what is loaded besides the
    built-ins; empty means nothing else.
    """
    found, installed = Registry(), _entry_points()
    chosen = _chosen(installed)
    for entry, distribution in installed:
        package = distribution.name
        if package == CORE:
            found.add(_load(entry, distribution))
            continue
        if chosen is not None and not _names_of(entry, distribution) & chosen:
            continue
        try:
            with quietly():
                plugin = _load(entry, distribution)
        except (Exception, SystemExit) as error:  # whatever it raises, the program stays up
            fault = f"plugin {entry.name} of {package} {distribution.version} left out: {one_line(error)}"
            found.left_out[fault] = [package]
        else:
            found.add(plugin)
    for fault in found.left_out:
        _warn(fault)
    return found


def _entry_points() -> list[tuple[EntryPoint, Distribution]]:
    """Each entry point once (an editable install can show up twice), our own first."""
    unique = {}
    for entry in entry_points(group=GROUP):
        if entry.dist is None or not _has_metadata(entry.dist):
            _warn(f"plugin {entry.name} left out: its package has no metadata; install the package again")
        else:
            unique[canonicalize_name(entry.dist.name), entry.name] = (entry, entry.dist)
    return [unique[key] for key in sorted(unique, key=lambda key: (key[0] != CORE, key))]


def _names_of(entry: EntryPoint, distribution: Distribution) -> set[str]:
    """The names by which `RCNNZOO_LOAD_PLUGINS` may ask for it."""
    return {canonicalize_name(distribution.name), canonicalize_name(entry.name)}


def _chosen(installed: list[tuple[EntryPoint, Distribution]]) -> set[str] | None:
    """What `RCNNZOO_LOAD_PLUGINS` asks for; None for everything. A warning names what is not there."""
    wanted = os.environ.get(LOAD)
    if wanted is None:
        return None
    known = set().union(*(_names_of(*each) for each in installed))
    typed = [name.strip() for name in wanted.split(",") if name.strip()]
    for name in typed:
        if canonicalize_name(name) not in known:
            _warn(f"{LOAD}: {UnknownName('plugin', name, known - {CORE})}")
    return {canonicalize_name(name) for name in typed}


def _has_metadata(distribution: Distribution) -> bool:
    """An interrupted installation can leave entry points behind without the rest."""
    try:
        return bool(distribution.name and distribution.version)
    except Exception:  # what is raised differs between versions of Python
        return False


def _load(entry: EntryPoint, distribution: Distribution) -> Plugin:
    """Import an entry point and ask its hooks."""
    _check_requirement(distribution)
    module = entry.value.partition(":")[0].strip()
    if not all(part.isidentifier() for part in module.split(".")):
        raise PluginError(
            f"its entry point names the module {module!r}, which is not a valid name for a Python module (letters, "
            "digits and _ only): name the module, not the package"
        )
    return Plugin(entry.name, distribution.name, distribution.version, entry.module, members_of(entry.load()))


def quietly() -> contextlib.AbstractContextManager[object]:
    """A plugin that prints would corrupt `--json`, so what it prints goes to standard error."""
    return contextlib.redirect_stdout(sys.stderr)


def _check_requirement(distribution: Distribution) -> None:
    """A package that requires another version of rcnnzoo would fail later, in ways harder to understand."""
    for text in distribution.requires or []:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) != CORE:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not requirement.specifier.contains(version(CORE), prereleases=True):
            raise PluginError(f"it requires rcnnzoo{requirement.specifier}, this is {version(CORE)}")


def one_line(error: BaseException) -> str:
    """What an error says, in one line; with its type, unless it is one of rcnnzoo's, which say all that is needed."""
    text = " ".join(str(error).split())
    return text if isinstance(error, RcnnzooError) else f"{type(error).__name__}: {text}".rstrip(": ")


def _warn(message: str) -> None:
    if os.environ.get(STRICT, "0") not in ("", "0"):
        raise PluginError(f"{message} ({STRICT} is set)")
    warnings.warn(message, PluginWarning, stacklevel=2)
