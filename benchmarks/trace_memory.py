"""Memory that writing and reading a trace of 50,000 images, 8 steps and 1,000 categories takes.

A network without layers gives the logits, so what is measured is the trace. Each part runs in a process of its own and
prints how far its memory rose above what it was when everything was imported.

    python benchmarks/trace_memory.py FOLDER
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

import rcnnzoo
from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.architectures.card import Card
from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.data.digits import ArrayReader
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import Split
from rcnnzoo.recording.recorder import Recording, record

STEPS, CATEGORIES, SIZE = 8, 1000, 8


class Chance(RecurrentModel):
    """Logits that depend on the image and the step, without any work."""

    def __init__(self) -> None:
        super().__init__()
        self.num_steps = STEPS
        self.classifier = torch.nn.Linear(1, CATEGORIES)
        self.card = Card("chance", {"image_size": SIZE}, [str(i) for i in range(CATEGORIES)])

    def begin(self, images: torch.Tensor) -> State:
        """The mean of each image."""
        return (images.mean(dim=(1, 2, 3))[:, None],)

    def step(self, state: State, t: int | torch.Tensor) -> tuple[State, torch.Tensor]:
        """A little more of it at each step."""
        following = (state[0] * 1.5,)
        return following, self.classifier(following[0])

    def features(self, state: State) -> torch.Tensor:
        """The classifier's inputs."""
        return state[0]


def write(path: Path, images: int) -> None:
    """Record the trace."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (images, SIZE, SIZE, 3), dtype=np.uint8)
    names = [f"{i:06d}.jpg" for i in range(images)]
    categories = tuple(str(i) for i in range(CATEGORIES))
    split = Split(categories, names, random.integers(0, CATEGORIES, images), ArrayReader(pixels))
    record(Chance(), Data("noise", {"test": split}), "test", path, Recording())


def read(path: Path) -> None:
    """Open it, checks included, and evaluate it."""
    measure_accuracy(rcnnzoo.open_trace(path))


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--part", choices=["write", "read"])
    options = parser.parse_args()
    path = options.folder / "chance.zarr"
    if options.part is None:
        for part in ("write", "read"):
            command = [sys.executable, __file__, str(options.folder), "--images", str(options.images), "--part", part]
            subprocess.run(command, check=True)
        return
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    write(path, options.images) if options.part == "write" else read(path)
    rose = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    shape = f"{options.images} x {STEPS} x {CATEGORIES}"
    print(f"{options.part} {shape}: {rose:.2f} GiB above the start, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
