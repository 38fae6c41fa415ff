"""Layers and time steps beside brains. The plugin that adds `rcnnzoo rsa`; it imports nothing heavy."""

from __future__ import annotations

from rcnnzoo.plugin import Command, hookimpl


@hookimpl
def rcnnzoo_commands() -> list[Command]:
    """One command."""
    return [Command("rsa", "compare layers and time steps with brains", "rcnnzoo_brain.cli:rsa")]
