"""Writes cli.md from the commands themselves; `--check` only checks whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from rcnnzoo import plugins

PAGE = Path(__file__).with_name("cli.md")
INTRODUCTION = """\
# Command line

Exit codes: 0 success; 2 wrong input or options (one line on standard error says what is wrong, where, and what to do);
1 a bug in rcnnzoo or a plugin; 130 interrupted (finished work is kept and can be resumed). Results go to standard
output, progress and warnings to standard error.

Before the command: `--plugin FILE.py` loads [a plugin](plugins.md) that is not a package yet, and may be repeated;
`--debug` shows the traceback of any error. `$RCNNZOO_LOAD_PLUGINS` limits which installed plugins are loaded, and with
`RCNNZOO_STRICT_PLUGINS=1` one that can't be used is an error.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(section(name) for name in plugins.names("commands"))])


def section(name: str) -> str:
    """One command: its help, and one row per argument or option."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(plugins.look_up("commands", name).load())
    command = typer.main.get_command(app)
    text = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    text = text.replace("Example: ", "Example: `") + "`" if "Example: " in text else text
    rows = [row(parameter) for parameter in command.params if parameter.name != "help"]
    return "\n".join([f"## rcnnzoo {name}", "", text, "", "| | | default |", "| --- | --- | --- |", *rows, ""])


def row(parameter: Any) -> str:
    """A row of the table."""
    if parameter.param_type_name == "argument":
        label = parameter.metavar or parameter.name.upper()
    else:
        label = "/".join([*parameter.opts, *parameter.secondary_opts])
    described = getattr(parameter, "show_default", None)
    if isinstance(described, str):
        shown = described
    else:
        shown = "" if parameter.default in (None, False) or parameter.required else f"`{parameter.default}`"
    label = label.replace("|", "\\|")
    text = (getattr(parameter, "help", None) or "").replace("|", "\\|")
    return f"| `{label}` | {text} | {shown} |"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else f"{PAGE} is out of date: run python {__file__}")
    PAGE.write_text(page())
