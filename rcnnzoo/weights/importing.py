"""Converting published weights to rcnnzoo's files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

from rcnnzoo import plugins
from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data import ecoset, imagenet
from rcnnzoo.data.transforms import PREPROCESSING
from rcnnzoo.errors import OptionError, UnknownName, WeightsError
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.hookspecs import Format
from rcnnzoo.weights.files import save

NAMES = {
    "ecoset": (ecoset.CATEGORIES, ecoset.category_names),
    "imagenet": (imagenet.CATEGORIES, imagenet.category_names),
}
"""Categories of the data sets of published weights, which their number tells apart: how many, and their names."""


def import_weights(
    form: str,
    file: Path,
    architecture: str | None,
    out: Path,
    *,
    categories: int | None = None,
    names: Path | None = None,
    sha256: str | None = None,
    licence: str | None = None,
) -> RecurrentModel:
    """Read published weights and write them as a `.safetensors` file that says where they come from.

    Args:
        form: The name of a format.
        file: The published file.
        architecture: The architecture that they are for; may be None where the format has only one.
        out: The file to write.
        categories: Number that the file must have; by default any.
        names: A file with a category's name per line, in the order of the logits. By default, categories are named
            if there are 565 (ecoset's) or 1000 (ImageNet's) and the format has them in that order, else numbered.
        sha256: Of the file's bytes, as its publisher gives it: another file is not opened.
        licence: What the weights may be used for; by default what the format says.

    Raises:
        UnknownName: There is no such format, or no such architecture in it.
        WeightsError: The file is missing, damaged, of another network, or not the one whose SHA-256 was given.
        OptionError: `out` is not a `.safetensors` file, `categories` or `names` don't go with the weights, or
            several architectures are possible and none is given.
        PluginError: What reads the format can't be imported.
    """
    entry = plugins.look_up("formats", form)
    description = cast(Format, entry.member)
    architecture = _architecture(description, architecture)
    if out.suffix != ".safetensors":
        raise OptionError(f"`out` {out}: the file's name must end in .safetensors")
    try:
        found_hash = bytes_hash(file)
    except OSError as error:
        raise WeightsError(f"{file}: can't be read ({error.strerror or error})") from error
    if sha256 is not None and sha256.lower() != found_hash:
        raise WeightsError(f"{file}: its SHA-256 is {found_hash}, not {sha256}: fetch the file again (`sha256`)")
    read: Callable[[Path, str], RecurrentModel] = entry.load()
    try:
        network = read(file, architecture)
    except OptionError as error:  # of a network that can't be built as the file has it
        raise WeightsError(f"{file}: no network can have its sizes: {error}") from error
    card = card_of(network)
    found = len(card.categories)
    if categories not in (None, found):
        raise OptionError(f"`categories` {categories}: {file} has {found}")
    network.card = replace(
        card,
        categories=_names(found, description) if names is None else read_names(names, found),
        licence=licence or description.licence or None,
        preprocessing={**PREPROCESSING, "image_size": card.image_size},
        source={"format": form, "file": file.name, "sha256": found_hash},
    )
    save(network, out)
    return network


def _architecture(form: Format, given: str | None) -> str:
    if given is None and len(form.architectures) == 1:
        return form.architectures[0]
    if given is None:
        raise OptionError(f"`arch`: {form.name} has weights of {', '.join(form.architectures)}: say which")
    if given not in form.architectures:
        raise UnknownName(f"architecture among {form.name}'s", given, form.architectures)
    return given


def _names(number: int, form: Format) -> list[str]:
    known = [names for size, names in map(NAMES.__getitem__, form.ordered_as) if size == number]
    return list(known[0]()) if known else [str(category) for category in range(number)]


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
