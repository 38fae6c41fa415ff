"""Do people hesitate where a network does? The plugin that adds `rcnnzoo behaviour`; it imports nothing heavy."""

from __future__ import annotations

from rcnnzoo.plugin import Command, hookimpl


@hookimpl
def rcnnzoo_commands() -> list[Command]:
    """One command."""
    return [Command("behaviour", "network reaction times against people's", "rcnnzoo_behaviour.cli:behaviour")]
