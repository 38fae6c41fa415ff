"""Asking a plugin's hooks what they add, and refusing what can't be used.

Each fault is one line that says what to change: most authors write a plugin for the first time.
"""

from __future__ import annotations

import re
from collections import Counter

import pluggy

from rcnnzoo import hookspecs
from rcnnzoo.errors import PluginError
from rcnnzoo.hookspecs import KINDS

HOOKS = {f"rcnnzoo_{name}": name for name in KINDS}
WORD = "[a-z0-9]+(-[a-z0-9]+)*"
NAMES = {name: re.compile(rf"{WORD}(/\S+)?" if kind.families else WORD) for name, kind in KINDS.items()}
TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def members_of(plugin: object) -> dict[str, list[hookspecs.Member]]:
    """What the hooks of a module or object return, by kind.

    Each plugin has its own manager, so that one that fails leaves nothing behind for the next.

    Raises:
        PluginError: It has no hook, or one that is misspelt, unmarked, or returns what can't be used.
    """
    manager = pluggy.PluginManager("rcnnzoo")
    manager.add_hookspecs(hookspecs)
    _check_names(manager, plugin)
    manager.register(plugin)
    hooks = {kind: getattr(manager.hook, name) for name, kind in HOOKS.items()}
    if not any(hook.get_hookimpls() for hook in hooks.values()):
        raise PluginError("it has no hook: a function like rcnnzoo_policies, marked with @hookimpl")
    return {kind: _ask(kind, hook) for kind, hook in hooks.items()}


def _check_names(manager: pluggy.PluginManager, plugin: object) -> None:
    """A hook that is misspelt or not marked would be ignored silently."""
    for name in dir(plugin):
        marked = manager.parse_hookimpl_opts(plugin, name) is not None
        if marked and name not in HOOKS:
            raise PluginError(f"unknown hook {name!r}: there are {', '.join(HOOKS)}")
        found = getattr(plugin, name) if name in HOOKS else None
        if callable(found) and not marked and found is not getattr(hookspecs, name):
            raise PluginError(f"{name} lacks @hookimpl: write it above the function")


def _ask(kind: str, hook: pluggy.HookCaller) -> list[hookspecs.Member]:
    """What a plugin's hook returns, checked."""
    if not hook.get_hookimpls():
        return []
    (members,) = hook() or (None,)  # pluggy drops a None
    description = KINDS[kind].description
    if not isinstance(members, list) or not all(isinstance(member, description) for member in members):
        raise PluginError(f"{hook.name} must return a list of {description.__name__}")
    for member in members:
        fields = (member.name, member.description, member.target)
        if not all(isinstance(text, str) and text for text in fields):
            raise PluginError(f"{hook.name}: name, description and target must be non-empty strings")
        _check_name(kind, member.name)
        if not TARGET.fullmatch(member.target):
            raise PluginError(
                f"{KINDS[kind].singular} {member.name!r}: its target is {member.target!r}, and has to look like "
                "'package.module:attribute', with a colon"
            )
    twice = [name for name, count in Counter(member.name for member in members).items() if count > 1]
    if twice:
        raise PluginError(f"{hook.name} names {twice[0]!r} twice")
    return members


def _check_name(kind: str, name: str) -> None:
    """Names are typed and used for folders, so they hold nothing special to a shell or a file system."""
    if NAMES[kind].fullmatch(name):
        return
    what = f"{KINDS[kind].singular} {name!r}"
    if name.endswith("/*") and any(names.fullmatch(name) for names in NAMES.values()):
        raise PluginError(f"{what}: only architectures come in families: give each its own name")
    raise PluginError(f"{what}: a name consists of lower-case letters and digits, with single hyphens between them")
