"""Peak memory and time of a training step, with and without `--checkpoint-activations`.

A step is forward and backward on one batch. Each way is measured in a process of its own, after a first step that fills
what a process keeps, and the memory in use before the step is subtracted.

    python benchmarks/training_memory.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

import torch

import rcnnzoo
from rcnnzoo.devices import autocast, best_device, seconds
from rcnnzoo.profiling.resources import resources
from rcnnzoo.training.recomputing import recompute_steps

WAYS = ("plain", "recomputed")


def measure(way: str, options: argparse.Namespace) -> dict[str, float]:
    """Bytes at the peak of a step above those before it, and seconds."""
    device = best_device()
    model = rcnnzoo.build(options.network, categories=1000, image_size=options.image_size, width=options.width)
    model.to(device).to(memory_format=torch.channels_last).train()
    if way == "recomputed":
        recompute_steps(model)
    size = options.image_size
    images = torch.rand(options.batch, 3, size, size, device=device) * 2 - 1

    def step() -> None:
        with autocast(device, options.precision):
            loss = model(images).float().square().mean()
        loss.backward()

    step()
    with resources(device) as before:
        pass
    with resources(device) as used:
        took = [seconds(step, device) for _ in range(options.rounds)]
    return {"bytes": used.peak_bytes - before.peak_bytes, "seconds": statistics.median(took)}


def main() -> None:
    """Print both, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="bl")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options.way, options)))
        return
    found = {}
    for way in WAYS:
        command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
        found[way] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"{way}: {found[way]['bytes'] / 2**30:.2f} GiB, {found[way]['seconds']:.2f} s")
    for what in ("bytes", "seconds"):
        print(f"{what}, recomputed / plain: {found['recomputed'][what] / found['plain'][what]:.3f}")


if __name__ == "__main__":
    main()
