"""The images that people saw, shown to a network: traces with the features that each step's classifier sees."""

from __future__ import annotations

import hashlib
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from torch import nn

from rcnnzoo.plugin import (
    PLAIN,
    UNKNOWN,
    Conditions,
    Data,
    DataError,
    RcnnzooWarning,
    Recording,
    RecurrentModel,
    Reference,
    Split,
    Subject,
    TraceError,
    Unreadable,
    best_device,
    build,
    card_of,
    evaluation_batches,
    prepare,
    read_class_folders,
    read_image,
    reason,
    split_of_files,
    to_input,
    usual_size,
)
from rcnnzoo_behaviour.animacy import check_kinds

BATCH = 100
KINDS = ("animate", "inanimate")


def stimuli(folder: Path, files: Sequence[str], categories: Sequence[str]) -> Split:
    """Images whose category, of those that a network knows, is not known."""
    split = split_of_files(folder, tuple(categories), list(files), [])
    return Split(split.categories, split.files, np.full(len(files), UNKNOWN), split.read, split.stamp, str(folder))


def other_images(folder: Path, seen: Path, files: Sequence[str]) -> Split:
    """Images to fit classifiers to, in `animate/` and `inanimate/`; each is read once to see that it can be.

    Args:
        folder: Where they lie.
        seen: Where the images lie that people saw.
        files: Names of those.

    Raises:
        DataError: There are other folders or too few images, one can't be read, or people saw it as well.
    """
    split = read_class_folders(folder)
    if split.categories != KINDS:
        raise DataError(f"{folder}: holds {', '.join(split.categories)}; give folders animate and inanimate")
    check_kinds(is_animate(split), folder)
    known = {_content(seen / file): file for file in files}
    for file in split.files:
        try:
            read_image(folder / file)
        except Exception as error:  # decoders raise anything
            raise DataError(f"{folder / file}: unreadable ({reason(error)}); repair or remove it") from error
        if (twin := known.get(_content(folder / file))) is not None:
            raise DataError(
                f"{folder / file}: is the same image as {seen / twin}; classifiers must not be fitted to images that "
                "they judge"
            )
    return split


def is_animate(split: Split) -> npt.NDArray[np.int64]:
    """1 or 0 for each image of `other_images`."""
    return np.asarray(split.labels == KINDS.index("animate"), dtype=np.int64)


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def open_network(
    text: str, folder: Path, files: Sequence[str], conditions: Conditions = PLAIN
) -> tuple[RecurrentModel, str]:
    """A network from what a user typed for MODEL, and what people call it; an untrained one fits the images' size.

    Raises:
        OptionError: It can't be run under these conditions.
        UnknownName: There is no such architecture.
        WeightsError: There is no such network.
    """
    reference = Reference(text)
    if reference.weights is None:
        size = usual_size(stimuli(folder, files, ("0", "1")))
        return reference.open(conditions, image_size=size), f"{text}-untrained"
    return reference.open(), reference.name


def trace_stimuli(
    model: RecurrentModel,
    name: str,
    folder: Path,
    files: Sequence[str],
    traces: Path,
    conditions: Conditions = PLAIN,
) -> xr.Dataset:
    """A trace with the features of all steps for these images, all of them readable; recorded unless it is there."""
    data = Data(folder.resolve().name, {"all": stimuli(folder, files, card_of(model).categories)})
    subject = Subject(model, name, name, data, "all", traces)
    how = Recording(BATCH, features=True, max_bad=0, conditions=conditions)
    try:
        return subject.trace(how).trace
    except TraceError as error:
        warnings.warn(f"{error.fault}: the kept trace is recorded again", RcnnzooWarning, stacklevel=2)
        shutil.rmtree(traces)
        return subject.trace(how).trace


def random_twin(model: RecurrentModel, folder: Path, files: Sequence[str], seed: int) -> RecurrentModel:
    """A randomly initialised network of the same architecture, its batch-norm statistics estimated on these images.

    Without the statistics each layer's output would have another scale at each depth and step than in a trained one.
    """
    card = card_of(model)
    twin = build(card.architecture, categories=card.categories, seed=seed, **card.options)
    device = best_device()
    twin = twin.to(device).eval()
    norms = [module for module in twin.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    images = prepare(stimuli(folder, files, card.categories), card.image_size, Unreadable(0))
    with torch.inference_mode():
        for batch in evaluation_batches(images, BATCH) if norms else ():
            twin(to_input(batch.images.to(device)))
    return twin.eval()
