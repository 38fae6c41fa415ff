"""Converting published weights to rcnnzoo's files."""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.transforms import PREPROCESSING
from rcnnzoo.errors import OptionError, UnknownName, WeightsError
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.weights.files import save
from rcnnzoo.weights.formats import FORMATS


def import_weights(
    form: str,
    file: Path,
    architecture: str,
    out: Path,
    *,
    categories: int | None = None,
    names: Path | None = None,
    sha256: str | None = None,
) -> RecurrentModel:
    """Read published weights and write them as a `.safetensors` file that says where they come from.

    Args:
        form: A key of `formats.FORMATS`.
        file: The published file.
        architecture: The architecture that they are for.
        out: The file to write.
        categories: Number that the file must have; by default any.
        names: A file with a category's name per line, in the order of the logits.
        sha256: Of the file's bytes, as its publisher gives it.

    Raises:
        UnknownName: There is no such format, or no such architecture in it.
        WeightsError: The file is missing, damaged, of another network, or not the one whose SHA-256 was given.
        OptionError: `out` is not a `.safetensors` file, or `categories` or `names` don't go with the weights.
    """
    if form not in FORMATS:
        raise UnknownName("format", form, FORMATS)
    if out.suffix != ".safetensors":
        raise OptionError(f"`out` {out}: the file's name must end in .safetensors")
    read: Callable[[Path, str], RecurrentModel] = pkgutil.resolve_name(FORMATS[form])
    network = read(file, architecture)
    found_hash = bytes_hash(file)
    if sha256 is not None and sha256.lower() != found_hash:
        raise WeightsError(f"{file}: its SHA-256 is {found_hash}, not {sha256}: fetch the file again (`sha256`)")
    card = card_of(network)
    found = len(card.categories)
    if categories not in (None, found):
        raise OptionError(f"`categories` {categories}: {file} has {found}")
    network.card = replace(
        card,
        categories=card.categories if names is None else read_names(names, found),
        preprocessing={**PREPROCESSING, "image_size": card.image_size},
        source={"format": form, "file": file.name, "sha256": found_hash},
    )
    save(network, out)
    return network


def read_names(file: Path, number: int) -> list[str]:
    """Names of categories, one per line.

    Raises:
        OptionError: It can't be read, holds a different number of names, or an empty or repeated one.
    """
    try:
        names = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"`names` {file}: can't be read as text ({error})") from error
    if len(names) != number:
        raise OptionError(f"`names` {file}: {len(names)} lines for {number} categories")
    if "" in names:
        raise OptionError(f"`names` {file}: line {names.index('') + 1} is empty")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise OptionError(f"`names` {file}: {name!r} is listed {times} times")
    return names
