"""`rcnnzoo new-plugin`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def new_plugin(
    name: Annotated[
        str, typer.Argument(help="Name of the package: lower-case letters and digits, - or _ between words.")
    ],
    out: Annotated[Path, typer.Option(help="Folder in which the package's folder is made.")] = Path(),
) -> None:
    """Write a package that adds a network, an exit policy, a data set and a command, for you to build on.

    It can be installed and trained and passes check-plugin as it is. Prints the next commands.

    Example: rcnnzoo new-plugin mine
    """
    from rcnnzoo.template.package import prefix, write_package

    folder = write_package(name, out)
    print(f"python -m pip install --editable {shlex.quote(str(folder.absolute()))}")  # noqa: T201
    print(f"rcnnzoo check-plugin {name}")  # noqa: T201
    print(f"rcnnzoo train {prefix(name)}-loop --data {prefix(name)}-stripes")  # noqa: T201
