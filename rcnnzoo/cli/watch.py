"""`rcnnzoo watch`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show_json


def watch(
    run: Annotated[Path, typer.Argument(help="The run's folder.", metavar="RUN")],
    every: Annotated[float, typer.Option(min=0.2, max=86_400, help="Seconds between looks at the files.")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw a run's curves in the terminal while it trains; Ctrl-C ends this and leaves the training alone.

    Only files are read, so the run may be on another machine that shares the folder. It ends when the run is finished;
    where the output is not a terminal, it looks once.

    Example: rcnnzoo watch runs/bl-digits-seed0
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from rcnnzoo.results.progress import standing

    console = Console()
    now = standing(run)
    if as_json:
        show_json(now.document())
        return
    if once or not console.is_terminal:
        sys.stdout.write(f"{now.drawn(console.width, min(console.height, 40), coloured=console.is_terminal)}\n")
        return
    with Live(console=console, auto_refresh=False) as live:
        try:
            while True:
                live.update(Text.from_ansi(now.drawn(console.width, console.height - 1, coloured=True)), refresh=True)
                if now.run.finished:
                    return
                time.sleep(every)
                now = standing(run)
        except KeyboardInterrupt:
            return
