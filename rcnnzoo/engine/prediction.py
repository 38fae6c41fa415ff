"""What a network sees on image files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.folders import read_image
from rcnnzoo.data.transforms import Evaluation, to_input
from rcnnzoo.devices import best_device
from rcnnzoo.errors import DataError
from rcnnzoo.profiling.operations import macs_per_step
from rcnnzoo.readouts.best import first_best


@dataclass(frozen=True)
class Prediction:
    """A network's decision on one image.

    Attributes:
        file: Which image.
        category: Name of the most probable category; the lowest index wins a tie.
        confidence: Its probability.
        reaction_time: Time steps run.
        macs: Multiply-accumulates spent.
        probabilities: The readout at each step, [T, C].
        pixels: The image as the network saw it, uint8 [3, S, S].
    """

    file: Path
    category: str
    confidence: float
    reaction_time: int
    macs: int
    probabilities: Tensor
    pixels: Tensor


def predict(
    model: RecurrentModel, files: Sequence[Path], readout: Callable[[Tensor], Tensor], batch_size: int = 100
) -> list[Prediction]:
    """Decide on each image, after all time steps, in the order given.

    Raises:
        DataError: A file is missing or no image; nothing is decided then.
    """
    transform = Evaluation(model.metadata["options"]["image_size"])
    pixels = [transform(_read(file)) for file in files]
    categories: list[str] = model.metadata["categories"]
    spent = sum(macs_per_step(model))
    device = best_device()
    network = model.to(device).to(memory_format=torch.channels_last).eval()
    predictions = []
    for start in range(0, len(files), batch_size):
        batch = slice(start, start + batch_size)
        with torch.inference_mode():
            probabilities = readout(network(to_input(torch.stack(pixels[batch]).to(device)))).cpu()
        for file, seen, by_step in zip(files[batch], pixels[batch], probabilities, strict=True):
            best = int(first_best(by_step[-1]))
            confidence = float(by_step[-1, best])
            predictions.append(Prediction(file, categories[best], confidence, model.num_steps, spent, by_step, seen))
    return predictions


def _read(file: Path) -> Image.Image:
    try:
        return read_image(file)
    except Exception as error:  # decoders raise anything: OSError, SyntaxError, struct.error, ...
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{file}: can't be read ({error.strerror})") from error
        raise DataError(f"{file}: no image, or a damaged one ({error}); name files like photo.jpg") from error
