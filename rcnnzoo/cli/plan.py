"""`rcnnzoo plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import computes, with_settings
from rcnnzoo.cli.output import AsJson, show


@computes
@with_settings
def plan(
    config: Annotated[Path | None, typer.Option(help="The config.toml of a run; other options override it.")] = None,
    as_json: AsJson = False,
    **settings: Any,
) -> None:
    """Say what a training will take before it starts: memory, images a second, days, disk.

    It takes the options of `rcnnzoo train`. A few updates are measured on this device, and a few seconds of decoding
    images; nothing is written. On a processor, memory is that of the whole process, without what it held before.

    Example: rcnnzoo plan bl --data digits --width 0.125
    """
    from rcnnzoo.results.plan import plan as ask
    from rcnnzoo.training.settings import changed, read_settings
    from rcnnzoo.training.settling import settle

    given = read_settings(config) if config else {}
    typed = {name: value for name, value in settings.items() if value is not None}
    show(ask(*settle(changed(given, typed))), as_json=as_json)
