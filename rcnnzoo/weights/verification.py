"""Whether a weight file is intact and complete, as far as the file alone can tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.errors import OptionError, WeightsError
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.weights.files import HASH, content_hash, read_header, rebuild


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: What was checked.
        ok: Whether it passed; None if the file claims nothing that could be checked.
        found: What was found, in words.
    """

    name: str
    ok: bool | None
    found: str


def failed(checks: Sequence[Check]) -> list[str]:
    """Names of the checks that failed."""
    return [check.name for check in checks if check.ok is False]


def check_file(path: Path, sha256: str | None = None) -> tuple[RecurrentModel | None, list[Check]]:
    """The checks that need only the file; and its network, None if it can't be loaded.

    Args:
        path: The weight file.
        sha256: Hash of the file's bytes, as its publisher gives it.

    Raises:
        OptionError: `sha256` is not one.
        WeightsError: It is missing, damaged, or not rcnnzoo's, so that nothing can be checked.
    """
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise OptionError(f"`sha256` {sha256}: is not a SHA-256: give its 64 hexadecimal digits")
    content, shapes = read_header(path)
    found = bytes_hash(path)
    ok = None if sha256 is None else found == sha256.lower()
    checks = [Check("SHA-256 of the file", ok, found if ok is not False else f"{found}, not {sha256}")]
    checks.append(_check_content(path, content))
    try:
        network, _ = rebuild(path, content, shapes)
    except WeightsError as error:
        return None, [*checks, Check("tensors", False, str(error).removeprefix(f"{path}: "))]
    card = card_of(network)
    options = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in card.options.items())
    named = f"{len(shapes)} tensors, all names and shapes those of {card.architecture} ({options}), all finite"
    return network, [*checks, Check("tensors", True, named), _check_categories(card.categories)]


def _check_content(path: Path, content: Mapping[str, Any]) -> Check:
    name = "hash of tensors and metadata"
    if HASH not in content:
        return Check(name, None, "the file records none (written by an early rcnnzoo)")
    found = content_hash(content, safetensors.torch.load_file(path))
    if found == content[HASH]:
        return Check(name, True, found)
    return Check(name, False, f"{found}, but {content[HASH]} is recorded: the file was changed after it was written")


def _check_categories(categories: Sequence[str]) -> Check:
    if list(categories) == [str(number) for number in range(len(categories))]:
        return Check("categories", None, f"{len(categories)}, numbered")
    unfit = [name for name in categories if not name.strip() or not name.isprintable()]
    named = f"{len(categories)}: {', '.join(categories[:3])}{', ...' if len(categories) > 3 else ''}"
    return Check("categories", not unfit, f"{unfit[0]!r} is not a name" if unfit else named)
