"""A network's decisions on image files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.decoding import naming_the_image, read_image
from rcnnzoo.data.transforms import Evaluation, to_input
from rcnnzoo.engine.exits import Rule, run
from rcnnzoo.engine.unrolling import Unrolling
from rcnnzoo.readouts.best import first_best

READ_AT_ONCE = 64
"""Images that are read and handed to the network together, unless the number is given."""


@dataclass(frozen=True)
class Prediction:
    """A network's decision on one image.

    Attributes:
        file: Which image.
        category: Name of the most probable category at the exit; the lowest index wins a tie.
        confidence: Its probability.
        reaction_time: Time steps run.
        macs: Multiply-accumulates spent.
        probabilities: The readout at each step that was run, [reaction time, C].
        pixels: The image as the network received it, uint8 [3, S, S].
    """

    file: Path
    category: str
    confidence: float
    reaction_time: int
    macs: int
    probabilities: Tensor
    pixels: Tensor


def predict(
    unrolling: Unrolling, files: Sequence[Path], rule: Rule, batch_size: int | None = None
) -> Iterator[Prediction]:
    """Decide on each image, computing no time step that is not needed; they come in the order given.

    Files are read when the network gets to them, and dropped once their prediction is made.

    Args:
        unrolling: A network with a card, which says the names of its categories and the size of its images; and what it
            is shown.
        files: Images.
        rule: When to stop.
        batch_size: Images computed at once; by default what suits the device.

    Raises:
        OptionError: The network has no card.
        DataError: A file is missing, before anything is decided; or no image, when the network gets to it.
        NetworkError: The network's logits are not finite.
    """
    for file in files:
        with naming_the_image(file):
            file.stat()
    spent = torch.tensor(unrolling.count().macs).cumsum(0).tolist()
    unrolling.network.to(memory_format=torch.channels_last).eval()
    return _predictions(unrolling, files, rule, batch_size, spent)


@torch.inference_mode()
def _predictions(
    unrolling: Unrolling, files: Sequence[Path], rule: Rule, batch_size: int | None, spent: list[int]
) -> Iterator[Prediction]:
    categories = card_of(unrolling.network).categories
    pixels: dict[int, Tensor] = {}  # of the images being computed
    # Images leave when they are sure, so one may have to wait for those before it.
    waiting: dict[int, Prediction] = {}
    following = 0
    batches = _batches(unrolling.network, files, batch_size or READ_AT_ONCE, pixels)
    for exits in run(unrolling, batches, rule, batch_size, [file.name for file in files]):
        times = (exits.last + 1).tolist()
        courses = exits.probabilities.cpu()
        for number, time, course in zip(exits.images.tolist(), times, courses, strict=True):
            by_step = course[:time].clone()
            best = int(first_best(by_step[-1]))
            waiting[number] = Prediction(
                file=files[number],
                category=categories[best],
                confidence=float(by_step[-1, best]),
                reaction_time=time,
                macs=spent[time - 1],
                probabilities=by_step,
                pixels=pixels.pop(number),
            )
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _batches(model: RecurrentModel, files: Sequence[Path], size: int, pixels: dict[int, Tensor]) -> Iterator[Tensor]:
    """Inputs [B, 3, S, S] of all files, and in `pixels` what each looked like."""
    transform = Evaluation(card_of(model).image_size)
    for start in range(0, len(files), size):
        batch = []
        for file in files[start : start + size]:
            with naming_the_image(file):
                image = read_image(file)
            batch.append(transform(image))
        pixels.update(enumerate(batch, start))
        yield to_input(torch.stack(batch))


def read_images(files: Iterable[str | Path], model: RecurrentModel) -> Tensor:
    """Image files as a network takes them: float [N, 3, S, S] in [-1, 1].

    Args:
        files: Images of any size, in grey or colour.
        model: A network with a card, which says how large its images are.

    Raises:
        OptionError: The network has no card.
        DataError: A file is missing, or can't be read as an image.
    """
    transform, pixels = Evaluation(card_of(model).image_size), []
    for file in map(Path, files):
        with naming_the_image(file):
            pixels.append(transform(read_image(file)))
    if not pixels:
        return torch.empty(0, 3, transform.image_size, transform.image_size)
    return to_input(torch.stack(pixels))
