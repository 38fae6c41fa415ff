"""What was loaded: plugins, the names that they add, and the names that were left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from rcnnzoo.hookspecs import KINDS, Member

CORE = "rcnnzoo"
"""The package whose names can't be taken."""


@dataclass(frozen=True)
class Plugin:
    """One entry point, or one file, that was loaded.

    Attributes:
        name: The entry point's, or the file's without its suffix.
        package: The package it came from; for a file, its name.
        version: The package's; empty for a file.
        module: What has its hooks, to import.
        members: What it adds, by kind.
    """

    name: str
    package: str
    version: str
    module: str
    members: dict[str, list[Member]]


@dataclass
class Registry:
    """All names that can be used, by kind, each with its package.

    Attributes:
        plugins: What was loaded.
        members: The names.
        contested: Packages that claim the same name, which then can't be used.
        left_out: What was left out and why, with the packages that it concerns.
    """

    plugins: list[Plugin] = field(default_factory=list)
    members: dict[str, dict[str, tuple[Member, str]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    contested: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def faults(self, package: str) -> list[str]:
        """What was left out of a package, and why."""
        return [fault for fault, packages in self.left_out.items() if package in packages]

    def add(self, plugin: Plugin) -> None:
        """Take in a plugin's members; built-ins keep their names; a name that two others claim can't be used."""
        self.plugins.append(plugin)
        for kind, members in plugin.members.items():
            for member in members:
                self._claim(kind, member, plugin.package)

    def _claim(self, kind: str, member: Member, package: str) -> None:
        what = f"{KINDS[kind].singular} {member.name!r}"
        claimants = self.contested.get((kind, member.name))
        _, owner = self.members[kind].get(member.name, (None, None))
        if owner == CORE:
            fault = f"{what} of {package} left out: rcnnzoo has one of that name; {package} must rename it"
            self.left_out[fault] = [package]
        elif claimants is not None:
            claimants.append(package)
            fault = f"{what} left out: {' and '.join(claimants)} all claim it; uninstall all but one of them"
            self.left_out[fault] = claimants
        elif owner is not None:
            del self.members[kind][member.name]
            self.contested[kind, member.name] = [owner, package]
            is_file = package.endswith(".py")
            advice = f"uninstall {owner}, or do without {package}" if is_file else "uninstall one of them"
            fault = f"{what} left out: {owner} and {package} both claim it; {advice}"
            self.left_out[fault] = [owner, package]
        else:
            self.members[kind][member.name] = (member, package)
