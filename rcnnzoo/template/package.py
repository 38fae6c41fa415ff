"""Writing a package to start from."""

from __future__ import annotations

import importlib.util
import keyword
import re
import shutil
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from packaging.version import Version

from rcnnzoo.errors import OptionError
from rcnnzoo.writing import naming_the_file, temporary_name

LONGEST = 30
FILES = {
    "LICENSE": "LICENSE",
    "README.md": "README.md",
    "module.py.txt": "{module}.py",
    "pyproject.toml.txt": "pyproject.toml",
    "test_module.py.txt": "test_{module}.py",
}
"""Name of each written file; .txt keeps tools for Python away from templates, which are not yet valid Python."""


def write_package(name: str, out: Path) -> Path:
    """Write a package of that name as a folder under `out`, and return the folder.

    Raises:
        OptionError: The name can't be used, or the folder exists.
    """
    module = module_name(name)
    folder = out / name
    if folder.exists():
        raise OptionError(f"{folder}: already exists; take another name or folder (`out`)")
    values = {"name": name, "module": module, "prefix": prefix(name), "versions": _versions()}
    unfinished = temporary_name(folder)
    try:
        with naming_the_file(folder):
            unfinished.mkdir(parents=True)
            for source, target in FILES.items():
                text = Template((files(__package__) / "files" / source).read_text(encoding="utf-8")).substitute(values)
                (unfinished / target.format(module=module)).write_text(text, encoding="utf-8")
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def module_name(name: str) -> str:
    """The module of a package of that name.

    Raises:
        OptionError: The name can't be used, or is taken.

    >>> module_name("zoo-mine")
    'zoo_mine'
    """
    module = name.replace("-", "_")
    if not re.fullmatch("[a-z][a-z0-9]*([-_][a-z0-9]+)*", name) or len(name) > LONGEST:
        raise OptionError(
            f"{name!r} can't name a package: use lower-case letters and digits, a letter first, - or _ between words, "
            f"at most {LONGEST} characters"
        )
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        raise OptionError(f"{name!r} is a Python keyword: take another name")
    if module in sys.stdlib_module_names or _is_installed(module):
        raise OptionError(f"{name!r}: Python already has a module {module}; take another name")
    return module


def prefix(name: str) -> str:
    """The prefix of the names that a package of that name adds.

    >>> prefix("zoo_mine")
    'zoo-mine'
    """
    return name.replace("_", "-")


def _is_installed(module: str) -> bool:
    """Whether a module of that name exists; a folder that is not a package doesn't count."""
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None


def _versions() -> str:
    """The versions of rcnnzoo that keep today's contract: up to the next minor one."""
    now = Version(version("rcnnzoo"))
    return f">={now.major}.{now.minor},<{now.major}.{now.minor + 1}"
