"""How much of the time that early exit promises `rcnnzoo.decide` saves, and of the multiply-accumulates.

The promise comes from the times of single steps, measured in the same run: an image that needs r steps should take a
first step and r - 1 later ones, each at the batch size that suits it best; without early exit it takes all of them. The
images are noise of many contrasts and the network, untrained, has a classifier scaled so that reaction times differ.

    python benchmarks/early_exit.py
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

import rcnnzoo
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.devices import autocast, best_device, seconds
from rcnnzoo.profiling.operations import macs_per_step

BATCHES = {"cpu": (4, 8), "cuda": (64, 128, 256)}


def untrained_network(name: str, size: int, images: torch.Tensor, width: float = 1.0) -> RecurrentModel:
    """An untrained network whose batch norm has seen the images."""
    network = rcnnzoo.build(name, categories=1000, image_size=size, width=width).to(images.device)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        for batch in images.split(8):
            network.train()(batch)
        for module in network.modules():
            if isinstance(module, nn.Linear):
                module.weight.mul_(30)
    return network.eval().to(memory_format=torch.channels_last)


def noise_images(number: int, size: int) -> torch.Tensor:
    """Noise, smooth and rough, faint and strong: [N, 3, S, S] in [-1, 1]."""
    generator = torch.Generator().manual_seed(0)
    images = []
    for scale in torch.rand(number, generator=generator):
        coarse = torch.rand(1, 3, *[4 + int(60 * scale)] * 2, generator=generator) * 2 - 1
        images.append(nn.functional.interpolate(coarse, size=(size, size), mode="bilinear") * (0.2 + 0.8 * scale))
    return torch.cat(images)


def threshold_for(network: RecurrentModel, images: torch.Tensor, mean_steps: float) -> float:
    """The entropy at which images take about that many steps."""
    with torch.no_grad():
        logits = torch.cat([network(batch) for batch in images.split(8)])
    curve = rcnnzoo.sat_curve(rcnnzoo.make_trace(logits, [0] * len(images), [1] * network.num_steps))
    return float(curve["threshold"].iloc[(curve["mean_steps"] - mean_steps).abs().argmin()])


class Round(NamedTuple):
    """Seconds at the batch size that suits each best: a first and a later step of an image; all images."""

    first: float
    later: float
    full: float
    early: float


def typical(run: Callable[[], object], device: torch.device) -> float:
    """Seconds of the middle one of three calls."""
    return statistics.median(seconds(run, device) for _ in range(3))


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="bl")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--mean-steps", type=float, default=2.9)
    parser.add_argument("--rows", type=int, help="at work at once (what suits)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", default="fp32")
    options = parser.parse_args()
    device = best_device()
    images = noise_images(options.images, options.image_size).to(device)
    network = untrained_network(options.network, options.image_size, images)
    threshold = threshold_for(network, images, options.mean_steps)
    counted: list[int] = []
    classifier = next(module for module in network.modules() if isinstance(module, nn.Linear))
    hook = classifier.register_forward_hook(lambda _, inputs, __: counted.append(len(inputs[0])))
    decisions = rcnnzoo.decide(network, images, "entropy", threshold, precision=options.precision, rows=options.rows)
    hook.remove()
    times = decisions.reaction_time
    print(
        f"{options.images} images, reaction times {torch.bincount(times, minlength=9)[1:].tolist()}, "
        f"mean {times.double().mean():.2f}; image-steps {sum(counted)} of {int(times.sum())} needed"
    )

    sizes = BATCHES[device.type]
    steps, needed = network.num_steps, int(times.sum())

    def begin(batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return network.step(network.begin(batch), 0)[0]

    def all_steps(size: int) -> list[torch.Tensor]:
        return [network(batch) for batch in images.split(size)]

    def decide() -> object:
        return rcnnzoo.decide(network, images, "entropy", threshold, precision=options.precision, rows=options.rows)

    rounds: list[Round] = []
    with torch.inference_mode(), autocast(device, options.precision):
        for _ in range(options.rounds + 1):
            first, later, full, early = [], [], [], []
            for size in sizes:
                batch = images[:size].contiguous(memory_format=torch.channels_last)
                state = begin(batch)
                first.append(typical(partial(begin, batch), device) / size)
                later.append(typical(partial(network.step, state, 1), device) / size)
                full.append(seconds(partial(all_steps, size), device))
                early.append(seconds(decide, device))
            rounds.append(Round(min(first), min(later), min(full), statistics.median(early)))
    rounds = rounds[1:]  # the first was to warm up
    promised = [
        (options.images * (one.first + (steps - 1) * one.later))
        / (options.images * one.first + (needed - options.images) * one.later)
        for one in rounds
    ]
    measured = [one.full / one.early for one in rounds]
    shares = sorted(m / p for m, p in zip(measured, promised, strict=True))
    macs = torch.tensor(macs_per_step(network)).cumsum(0)
    by_macs = float(macs[-1]) / decisions.macs.double().mean().item()
    first_ms = 1000 * statistics.median(one.first for one in rounds)
    later_ms = 1000 * statistics.median(one.later for one in rounds)
    print(f"first step {first_ms:.1f} ms per image, a later one {later_ms:.1f} ms")
    print(
        f"saving: measured {statistics.median(measured):.2f} times, "
        f"promised by the steps {statistics.median(promised):.2f}, by MACs {by_macs:.2f}"
    )
    print(
        f"share of what the steps promise: {statistics.median(shares):.3f} "
        f"({shares[0]:.3f} to {shares[-1]:.3f} in {options.rounds} rounds)"
    )


if __name__ == "__main__":
    main()
