"""Networks beside brains. The plugin that adds `rcnnzoo rsa` and `rcnnzoo latency`; it imports nothing heavy."""

from __future__ import annotations

from rcnnzoo.plugin import Command, hookimpl


@hookimpl
def rcnnzoo_commands() -> list[Command]:
    """Two commands."""
    return [
        Command("rsa", "compare layers and time steps with brains", "rcnnzoo_brain.cli:rsa"),
        Command("latency", "compare times of early exit with latencies of brains", "rcnnzoo_brain.cli:latency"),
    ]
