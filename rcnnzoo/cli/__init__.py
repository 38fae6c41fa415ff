"""The `rcnnzoo` program: one thin file for each command, no logic of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rcnnzoo.cli.statuses import INTERRUPTED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status.

    Args:
        arguments: What a user typed after `rcnnzoo`; without it the process's own.
    """
    try:
        from rcnnzoo.cli.program import run  # it takes a moment, in which the user may press Ctrl-C

        return run(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
