"""Finding plugins and looking names up.

The loop over entry points is ours, because pluggy's own neither guards the import nor reports a name that two
packages claim. A plugin that fails in any way is left out as a whole, and a warning names it.
"""

from __future__ import annotations

import contextlib
import os
import pkgutil
import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points, version
from typing import Any

import pluggy
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rcnnzoo import hookspecs
from rcnnzoo.errors import PluginError, UnknownName

GROUP = "rcnnzoo"
CORE = "rcnnzoo"
KINDS: dict[str, type[hookspecs.Member]] = {
    "architectures": hookspecs.Architecture,
    "policies": hookspecs.Policy,
    "readouts": hookspecs.Readout,
    "data": hookspecs.DataSet,
    "commands": hookspecs.Command,
}
SINGULAR = {
    "architectures": "architecture",
    "policies": "policy",
    "readouts": "readout",
    "data": "data set",
    "commands": "command",
}


class PluginWarning(UserWarning):
    """A plugin, or a name of it, was left out."""


@dataclass(frozen=True)
class Plugin:
    """One entry point that was loaded: its name, and the package it came from."""

    name: str
    package: str
    version: str
    members: dict[str, list[hookspecs.Member]]


@dataclass
class Registry:
    """All names that can be used, by kind, each with the package that brought it."""

    plugins: list[Plugin] = field(default_factory=list)
    members: dict[str, dict[str, tuple[hookspecs.Member, str]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    contested: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, plugin: Plugin) -> None:
        """Take in a plugin's members; built-ins keep their names, others lose a name that two claim."""
        self.plugins.append(plugin)
        for kind, members in plugin.members.items():
            for member in members:
                self._claim(kind, member, plugin.package)

    def _claim(self, kind: str, member: hookspecs.Member, package: str) -> None:
        what = f"{SINGULAR[kind]} {member.name!r}"
        claimants = self.contested.get((kind, member.name))
        _, owner = self.members[kind].get(member.name, (None, None))
        if owner == CORE:
            _warn(f"{what} of {package} left out: rcnnzoo has one of that name; {package} must rename it")
        elif claimants is not None:
            claimants.append(package)
            _warn(f"{what} left out: {' and '.join(claimants)} all claim it; uninstall all but one of them")
        elif owner is not None:
            del self.members[kind][member.name]
            self.contested[kind, member.name] = [owner, package]
            _warn(f"{what} left out: {owner} and {package} both claim it; uninstall one of them")
        else:
            self.members[kind][member.name] = (member, package)


def names(kind: str) -> list[str]:
    """Names of a kind (a key of `KINDS`) in the order they were registered."""
    return list(registry().members[kind])


def listing() -> list[dict[str, str]]:
    """A row (name, kind, package, description) for everything installed, the plugins themselves last."""
    found = registry()
    rows = [
        {"name": name, "kind": kind, "package": package, "description": member.description}
        for kind, members in found.members.items()
        for name, (member, package) in members.items()
    ]
    plugins = [
        {"name": plugin.name, "kind": "plugins", "package": plugin.package, "description": f"version {plugin.version}"}
        for plugin in found.plugins
    ]
    return rows + plugins


def describe(kind: str, name: str) -> hookspecs.Member:
    """The description registered under a name.

    Raises:
        UnknownName: Nothing installed answers to it.
        PluginError: Two packages claim it.
    """
    found = registry()
    known = _registered(kind, name)
    if known in found.members[kind]:
        return found.members[kind][known][0]
    if (kind, known) in found.contested:
        packages = " and ".join(found.contested[kind, known])
        raise PluginError(f"{SINGULAR[kind]} {name!r} is claimed by {packages}: uninstall all but one of them")
    where = f"rcnnzoo list {kind}" if kind != "commands" else "rcnnzoo --help"
    raise UnknownName(SINGULAR[kind], name, found.members[kind], where)


def package_of(kind: str, name: str) -> str | None:
    """The package that brought a name; None if nothing installed answers to it."""
    _, package = registry().members[kind].get(_registered(kind, name), (None, None))
    return package


def _registered(kind: str, name: str) -> str:
    """What a name is registered as: itself, or else its family, `zoo/*` for `zoo/NAME`."""
    found = registry()
    family = f"{name.partition('/')[0]}/*"
    known = name in found.members[kind] or (kind, name) in found.contested
    return name if known or "/" not in name else family


def resolve(kind: str, name: str) -> Any:
    """Import and return what a name stands for.

    Raises:
        UnknownName: Nothing installed answers to it.
        PluginError: Two packages claim it, or its target can't be imported.
    """
    member = describe(kind, name)
    package = package_of(kind, name)
    if package == CORE:
        return pkgutil.resolve_name(member.target)
    try:
        with _quietly():
            return pkgutil.resolve_name(member.target)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{SINGULAR[kind]} {name!r} of {package} can't be used: importing {member.target} failed: "
            f"{_one_line(error)}"
        ) from error


@cache
def registry() -> Registry:
    """Everything installed, found once a process: ours first, then third parties' in order of their names.

    `RCNNZOO_LOAD_PLUGINS` (comma-separated entry-point or package names) limits what is loaded beside the
    built-ins; empty means nothing else.
    """
    found = Registry()
    wanted = os.environ.get("RCNNZOO_LOAD_PLUGINS")
    chosen = None if wanted is None else {canonicalize_name(name.strip()) for name in wanted.split(",")}
    for entry, distribution in _entry_points():
        package = distribution.name
        if package == CORE:
            found.add(_load(entry, distribution))
            continue
        if chosen is not None and not {canonicalize_name(package), canonicalize_name(entry.name)} & chosen:
            continue
        try:
            with _quietly():
                plugin = _load(entry, distribution)
        except (Exception, SystemExit) as error:  # whatever it raises, the program stays up
            _warn(f"plugin {entry.name} of {package} {distribution.version} left out: {_one_line(error)}")
        else:
            found.add(plugin)
    return found


def _entry_points() -> list[tuple[EntryPoint, Distribution]]:
    """Each entry point once (an editable install can show twice), ours first."""
    unique = {}
    for entry in entry_points(group=GROUP):
        if entry.dist is None or not _has_metadata(entry.dist):
            _warn(f"plugin {entry.name} left out: its package has no metadata; install the package again")
        else:
            unique[canonicalize_name(entry.dist.name), entry.name] = (entry, entry.dist)
    return [unique[key] for key in sorted(unique, key=lambda key: (key[0] != CORE, key))]


def _has_metadata(distribution: Distribution) -> bool:
    """An interrupted installation can leave entry points without the rest."""
    try:
        return bool(distribution.name and distribution.version)
    except Exception:  # what is raised differs between versions of Python
        return False


def _load(entry: EntryPoint, distribution: Distribution) -> Plugin:
    """Import an entry point and ask its hooks.

    Each plugin has a manager of its own, so that one that fails leaves nothing behind for the next.
    """
    _check_requirement(distribution)
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(entry.load())
    manager.check_pending()  # a misspelt hook is an error, not silence
    members = {kind: _ask(getattr(manager.hook, f"rcnnzoo_{kind}"), KINDS[kind]) for kind in KINDS}
    return Plugin(entry.name, distribution.name, distribution.version, members)


def _ask(hook: pluggy.HookCaller, description: type[hookspecs.Member]) -> list[hookspecs.Member]:
    """What a plugin's hook returns, checked."""
    if not hook.get_hookimpls():
        return []
    (members,) = hook() or (None,)  # pluggy drops a None
    if not isinstance(members, list) or not all(isinstance(member, description) for member in members):
        raise PluginError(f"{hook.name} must return a list of {description.__name__}")
    for member in members:
        fields = (member.name, member.description, member.target)
        if not all(isinstance(text, str) and text for text in fields):
            raise PluginError(f"{hook.name}: name, description and target must be non-empty strings")
    twice = [name for name, count in Counter(member.name for member in members).items() if count > 1]
    if twice:
        raise PluginError(f"{hook.name} names {twice[0]!r} twice")
    return members


def _quietly() -> contextlib.AbstractContextManager[object]:
    """A plugin that prints would spoil `--json`, so what it prints goes to standard error."""
    return contextlib.redirect_stdout(sys.stderr)


def _check_requirement(distribution: Distribution) -> None:
    """A package that wants another rcnnzoo would fail later and in stranger ways."""
    for text in distribution.requires or []:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) != CORE:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not requirement.specifier.contains(version(CORE), prereleases=True):
            raise PluginError(f"it requires rcnnzoo{requirement.specifier}, this is {version(CORE)}")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}".rstrip(": ")


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=2)
