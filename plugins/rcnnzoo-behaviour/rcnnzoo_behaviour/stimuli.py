"""The images that people saw, shown to a network: traces with the features that each step's classifier sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.folders import split_of_files
from rcnnzoo.data.images import evaluation_batches, prepare, usual_size
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import Split
from rcnnzoo.data.transforms import to_input
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.devices import best_device
from rcnnzoo.traces.finding import Subject
from rcnnzoo.traces.labelled import UNKNOWN
from rcnnzoo.traces.recording import Recording
from rcnnzoo.weights.models import network_name, open_model, weights_file

BATCH = 100


def stimuli(folder: Path, files: Sequence[str], categories: Sequence[str]) -> Split:
    """Images whose category, of those that a network knows, is not known."""
    split = split_of_files(folder, tuple(categories), list(files), [])
    return Split(split.categories, split.files, np.full(len(files), UNKNOWN), split.read, split.stamp, str(folder))


def open_network(text: str, folder: Path, files: Sequence[str]) -> tuple[RecurrentModel, str]:
    """A network from what a user typed for MODEL, and what people call it; an untrained one fits the images' size."""
    file = weights_file(text)
    if file is None:
        size = usual_size(stimuli(folder, files, ("0", "1")))
        return open_model(text, image_size=size), f"{text}-untrained"
    return open_model(text), network_name(file)


def trace_stimuli(model: RecurrentModel, name: str, folder: Path, files: Sequence[str], traces: Path) -> Path:
    """Record the features of all steps for these images, or find them recorded; the trace's folder.

    Raises:
        DataError: An image can't be read: what people did on it would be lost.
    """
    data = Data(folder.resolve().name, {"all": stimuli(folder, files, model.metadata["categories"])})
    subject = Subject(model, name, data, "all", traces / name)
    return subject.record(Recording(BATCH, features=True, max_bad=0))


def random_twin(model: RecurrentModel, folder: Path, files: Sequence[str], seed: int) -> RecurrentModel:
    """A randomly initialised network of the same architecture, its batch-norm statistics estimated on these images.

    Without the statistics each layer's output would have another scale at each depth and step than in a trained one.
    """
    twin = build(
        model.metadata["architecture"], categories=model.metadata["categories"], seed=seed, **model.metadata["options"]
    )
    device = best_device()
    twin = twin.to(device).eval()
    norms = [module for module in twin.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    images = prepare(
        stimuli(folder, files, model.metadata["categories"]), model.metadata["options"]["image_size"], Unreadable(0)
    )
    with torch.inference_mode():
        for batch in evaluation_batches(images, BATCH) if norms else ():
            twin(to_input(batch.images.to(device)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return twin.eval()
