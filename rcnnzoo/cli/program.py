"""The program as a whole: the registered commands as one group, the global options, the exit status."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, cast

import typer
import typer.completion
from typer.core import TyperCommand, TyperGroup

from rcnnzoo import plugins
from rcnnzoo.cli import faults
from rcnnzoo.processes import led_by_the_first
from rcnnzoo.text import visible

HELP = {"help_option_names": ["-h", "--help"]}
COMPLETE = "_RCNNZOO_COMPLETE"
"""The variable with which a shell asks for completions."""

DRAWING = {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
"""Figures are files: a notebook's settings for windows, fonts and TeX would break commands that are started from it."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status.

    Args:
        arguments: What a user typed after `rcnnzoo`; without it the process's own.
    """
    typed = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    options: dict[str, str] = {}
    debug = "--debug" in typed  # looked up here, since plugins can fail before options are parsed
    return guarded(lambda: _invoke(typed, options), options, debug=debug)


def guarded(work: Callable[[], int], options: Mapping[str, str], *, debug: bool = False) -> int:
    """Do some work; the exit status. Anything it raises becomes one line on standard error.

    Args:
        work: Gives the exit status.
        options: What fields are called on the command line; it may be filled while the command runs.
        debug: Whether to show tracebacks.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it is closed; `print` would use the other one instead
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - it stays open
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name can hold what a terminal can't show
    os.environ.update(DRAWING)
    try:
        with faults.warnings_in_one_line(options), led_by_the_first():
            try:
                return work()
            finally:
                sys.stdout.flush()  # a full disk or a closed pipe shows up here, not after everything else
    except (Exception, KeyboardInterrupt) as error:
        return faults.report(error, options, debug=debug)


def _invoke(typed: list[str], options: dict[str, str]) -> int:
    group = typer.main.get_command(_application())
    if COMPLETE in os.environ:
        typer.completion.completion_init()
        return int(typer.completion.shell_complete(group, {"obj": options}, "rcnnzoo", COMPLETE, os.environ[COMPLETE]))
    try:
        with group.make_context("rcnnzoo", typed, obj=options) as context:
            group.invoke(context)
    except typer.Exit as leave:
        return leave.exit_code
    return 0


class Commands(TyperGroup):
    """A group that imports a command when it is used, so that `--help` stays quick."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """As Typer does, then the command itself in place of the stand-in."""
        name, _, rest = super().resolve_command(ctx, args)
        assert name is not None  # Typer raises on a name that it doesn't know
        single = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP)
        single.command(name)(plugins.look_up("commands", name).load())
        command = typer.main.get_command(single)
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name:
                ctx.obj[parameter.name] = parameter.opts[0]
        return name, command, rest


def _application() -> typer.Typer:
    app = typer.Typer(cls=Commands, rich_markup_mode=None, context_settings=HELP)  # no markup: plugins write help too
    app.callback()(_global_options)
    for name in plugins.names("commands"):
        app.command(name, help=visible(plugins.look_up("commands", name).member.description))(_only_listed)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"rcnnzoo {version('rcnnzoo')}")  # noqa: T201 - it is the result
        raise typer.Exit


def _load_files(context: typer.Context, files: list[Path] | None) -> list[Path] | None:
    group = cast(TyperGroup, context.command)
    for file in files or ():
        for command in plugins.load_file(file).members["commands"]:
            group.add_command(TyperCommand(command.name, help=visible(command.description)))
    return files


def _global_options(
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.py",
            help="Load a plugin that is not a package yet; may be repeated.",
            callback=_load_files,
            is_eager=True,
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of any error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Train recurrent convolutional networks of vision, stop them early, and see what accuracy costs.

    Example: rcnnzoo info bl
    """


def _only_listed() -> None:
    """Stands in for a command until it is used."""
