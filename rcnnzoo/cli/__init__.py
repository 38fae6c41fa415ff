"""The `rcnnzoo` program: one thin file a command, no logic of its own."""

from rcnnzoo.cli.program import main

__all__ = ["main"]
