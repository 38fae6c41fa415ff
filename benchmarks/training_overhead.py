"""How much longer an epoch of `rcnnzoo train` takes than the same updates in a bare torch loop.

Both see the same number of 32x32 images held in memory, padded, cropped and mirrored at random, in batches of 128, with
AdamW, one-cycle and the same precision; ours also counts loss and accuracy by step, looks for losses that are not a
number, and writes metrics and a checkpoint. Epochs of the two alternate, so that a noisy machine disturbs both alike.

    python benchmarks/training_overhead.py b bl
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import rcnnzoo
from rcnnzoo.data.digits import ArrayReader
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import Split
from rcnnzoo.runs.folder import Run
from rcnnzoo.training.loop import run_epoch
from rcnnzoo.training.session import open_session
from rcnnzoo.training.settling import settle
from rcnnzoo.training.watchers import Checkpoints, Divergence, Log, MetricsFile

BATCH, SIZE, PAD, CATEGORIES = 128, 32, 4, 10


def noise_data(images: int) -> Data:
    """Noise; the contents of the images don't matter."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (images, SIZE, SIZE, 3), dtype=np.uint8)
    labels = random.integers(0, CATEGORIES, images)
    split = Split(tuple("0123456789"), [str(i) for i in range(images)], labels, ArrayReader(pixels))
    return Data("noise", {"train": split})


class BareLoop:
    """What one would write in an afternoon."""

    def __init__(self, name: str, width: float, precision: str, data: Data, epochs: int) -> None:
        split = data.splits["train"]
        self.device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
        pixels = torch.stack([torch.from_numpy(np.asarray(split.read(i)).copy()) for i in range(len(split))])
        self.images = pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        self.labels = torch.from_numpy(split.labels)
        self.network = rcnnzoo.build(name, categories=CATEGORIES, image_size=SIZE, width=width)
        self.network.to(self.device).to(memory_format=torch.channels_last).train()
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=4e-3, weight_decay=0.05)
        self.updates = len(split) // BATCH
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, 4e-3, total_steps=self.updates * epochs)
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16")

    def epoch(self) -> float:
        """Seconds of an epoch."""
        started = time.monotonic()
        order = torch.randperm(len(self.images))
        for update in range(self.updates):
            chosen = order[update * BATCH : (update + 1) * BATCH]
            images = self.vary(self.images[chosen]).to(self.device, memory_format=torch.channels_last)
            labels = self.labels[chosen].to(self.device)
            with self.autocast:
                logits = self.network(images)
            steps = logits.shape[1]
            loss = functional.cross_entropy(logits.flatten(0, 1).float(), labels.repeat_interleave(steps))
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
        loss.item()
        return time.monotonic() - started

    def vary(self, images: torch.Tensor) -> torch.Tensor:
        """Pad, crop at a random place, mirror half."""
        padded = functional.pad(images, [PAD] * 4, mode="reflect")
        rows = torch.randint(2 * PAD + 1, (BATCH, 1)) + torch.arange(SIZE)
        columns = torch.randint(2 * PAD + 1, (BATCH, 1)) + torch.arange(SIZE)
        columns = torch.where(torch.rand(BATCH, 1) < 0.5, columns.flip(1), columns)
        batch = torch.arange(BATCH)[:, None, None]
        cut = padded.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]
        return cut.permute(0, 3, 1, 2)


class OurLoop:
    """An epoch as `rcnnzoo train` runs it, metrics and checkpoint included."""

    def __init__(self, name: str, width: float, precision: str, data: Data, epochs: int, folder: Path) -> None:
        given = {"architecture": name, "data": "digits", "width": width, "epochs": epochs, "precision": precision}
        settings = replace(settle(given)[0], mirrored=True)
        folder.mkdir()
        self.session = open_session(settings, data, Run(folder))
        divergence = Divergence()
        self.watchers = [divergence, MetricsFile(), Log(logging.getLogger("benchmark")), Checkpoints(divergence)]

    def epoch(self) -> float:
        """Seconds of an epoch."""
        started = time.monotonic()
        run_epoch(self.session, self.watchers)
        return time.monotonic() - started


def main() -> None:
    """Print the ratio for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--width", type=float, default=0.125)
    parser.add_argument("--precision", default="auto", help="auto, fp32 or bf16")
    parser.add_argument("--updates", type=int, default=60, help="of an epoch")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    data = noise_data(options.updates * BATCH)
    for name in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            ours = OurLoop(name, options.width, options.precision, data, options.rounds + 1, Path(folder, "run"))
            precision = ours.session.settings.precision
            bare = BareLoop(name, options.width, precision, data, options.rounds + 1)
            ours.epoch(), bare.epoch()  # to warm up
            pairs = [(ours.epoch(), bare.epoch()) for _ in range(options.rounds)]
        ratios = sorted(a / b for a, b in pairs)
        each = statistics.median(b for _, b in pairs) / options.updates
        print(
            f"{name} {precision}: {statistics.median(ratios):.3f} times a bare loop "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f} in {options.rounds} rounds; bare update {1000 * each:.0f} ms)"
        )


if __name__ == "__main__":
    main()
