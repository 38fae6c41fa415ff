"""A network, an exit policy, a data set and a command for rcnnzoo.

Every rcnnzoo command imports this module, so heavy packages (torch, numpy) are imported where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rcnnzoo.plugin import Architecture, Command, DataSet, Policy, hookimpl

if TYPE_CHECKING:
    from rcnnzoo.plugin import RecurrentModel, Split, State
    from torch import Tensor

HERE = __name__  # a target is "module:attribute", imported when a user asks for the name
CATEGORIES = ("horizontal", "vertical", "chequered")


@hookimpl
def rcnnzoo_architectures() -> list[Architecture]:
    """What `rcnnzoo list architectures` shows."""
    return [
        Architecture(
            "example-loop",
            "a recurrent convolution",
            f"{HERE}:build_loop",
            steps=4,
        ),
    ]


@hookimpl
def rcnnzoo_policies() -> list[Policy]:
    """What `rcnnzoo list policies` shows."""
    return [Policy("example-settled", "change of the probabilities", f"{HERE}:Settled")]


@hookimpl
def rcnnzoo_data() -> list[DataSet]:
    """What `rcnnzoo list data` shows."""
    return [DataSet("example-stripes", "stripes in noise", f"{HERE}:read_stripes", bundled=True)]


@hookimpl
def rcnnzoo_commands() -> list[Command]:
    """What `rcnnzoo --help` shows."""
    return [Command("example-draw", "draw one image per category", f"{HERE}:draw")]


def build_loop(*, categories: int, image_size: int, width: float, steps: int) -> RecurrentModel:
    """A small recurrent network; images of any size work."""
    import torch
    from rcnnzoo.plugin import RecurrentModel
    from torch import nn

    class Loop(RecurrentModel):
        """The input of each step is the image and the step before, whose influence fades."""

        def __init__(self, maps: int) -> None:
            super().__init__()
            self.num_steps = steps
            self.bottom_up = nn.Conv2d(3, maps, 5, padding="same")
            self.lateral = nn.Conv2d(maps, maps, 3, padding="same")
            self.classifier = nn.Linear(maps, categories)

        def begin(self, images: Tensor) -> State:
            """What does not change over time: images [B, 3, H, W] -> drive and zeros, [B, K, H, W] each."""
            drive = self.bottom_up(images)
            return drive, torch.zeros_like(drive)

        def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
            """The next state, and logits [B, C]."""
            drive, before = state
            state = drive, (drive + self.lateral(before)).relu()
            return state, self.classifier(self.features(state))

        def features(self, state: State) -> Tensor:
            """The inputs of the classifier: [B, K]."""
            return state[1].mean(dim=(-2, -1))

    return Loop(max(1, round(32 * width)))


class Settled:
    """Half of the total change of the probabilities since the step before: small when the network is sure."""

    direction = "below"
    unit = "probability"

    def scores(self, probabilities: Tensor) -> Tensor:
        """[..., T, C] -> [..., T]; the first step has none before it, so its score is the least sure."""
        scores = probabilities.new_ones(probabilities.shape[:-1])
        scores[..., 1:] = probabilities.diff(dim=-2).abs().sum(dim=-1) / 2
        return scores

    def bounds(self, categories: int, steps: int) -> tuple[float, float]:
        """From no change to a completely different winner."""
        return 0.0, 1.0


def read_stripes(folder: Path | None) -> Mapping[str, Split]:
    """150 images for training and 150 for testing, always the same; no folder is needed."""
    import numpy as np
    from rcnnzoo.plugin import ArrayReader, Split

    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:16, :16] // 2 % 2
    patterns = np.stack([rows, columns, rows ^ columns])
    splits = {}
    for name in ("train", "test"):
        labels = np.tile(np.arange(3), 50)
        pixels = 255 * patterns[labels] * 0.3 + random.uniform(0, 175, (len(labels), 16, 16))
        files = [f"{number:03d}" for number in range(len(labels))]
        splits[name] = Split(CATEGORIES, files, labels, ArrayReader(pixels.astype(np.uint8)))
    return splits


def draw(out: Path = Path("stripes.png")) -> None:
    """Draw an image of each category, side by side.

    Example: rcnnzoo example-draw --out stripes.png
    """
    from PIL import Image

    split = read_stripes(None)["test"]
    page = Image.new("RGB", (16 * len(CATEGORIES), 16))
    for position in range(len(CATEGORIES)):
        page.paste(split.read(position), (16 * position, 0))
    page.save(out)
    print(out)
