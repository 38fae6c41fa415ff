"""How much faster our `bl` runs than a plain torch implementation of the same network, in float32.

Both compute all time steps of the same images with the same weights, in turn; both are compared with a float64 copy of
the plain one. Peak memory is that of the process while each runs.

    python benchmarks/bl_speed.py
"""

from __future__ import annotations

import argparse
import copy
import statistics
from collections.abc import Sequence

import torch
from torch import nn

import rcnnzoo
from rcnnzoo.architectures.convolution import MEASURED
from rcnnzoo.architectures.spoerer import BL, EPSILON
from rcnnzoo.devices import best_device, seconds
from rcnnzoo.profiling.resources import resources


class Plain(nn.Module):
    """BL in its simplest form: convolutions, batch norm and pooling as modules, a loop over time."""

    def __init__(self, categories: int, steps: int, maps: Sequence[int] = BL.maps) -> None:
        super().__init__()
        self.steps = steps
        sizes = [*zip((3, *maps[:-1]), maps, BL.kernels, strict=True)]
        self.pool = nn.MaxPool2d(2)
        self.bottom_up = nn.ModuleList(nn.Conv2d(i, o, k, padding=k // 2, bias=False) for i, o, k in sizes)
        self.lateral = nn.ModuleList(nn.Conv2d(o, o, k, padding=k // 2, bias=False) for _, o, k in sizes)
        self.norm = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(o, eps=EPSILON) for _ in range(steps)) for _, o, _ in sizes
        )
        self.classifier = nn.Linear(maps[-1], categories)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, 3, H, W] -> [B, T, C]."""
        drive = self.bottom_up[0](images)
        before: list[torch.Tensor] = []
        logits = []
        for t in range(self.steps):
            now: list[torch.Tensor] = []
            for number in range(len(self.bottom_up)):
                below = now[-1] if now else None
                if below is not None and min(below.shape[-2:]) >= 4:  # as ours: never below 2x2
                    below = self.pool(below)
                x = drive if below is None else self.bottom_up[number](below)
                if before:
                    x = x + self.lateral[number](before[number])
                now.append(torch.relu(self.norm[number][t](x)))  # type: ignore[index]
            before = now
            logits.append(self.classifier(now[-1].mean(dim=(2, 3))))
        return torch.stack(logits, dim=1)


def the_same(network: nn.Module, plain: Plain) -> None:
    """Give the plain network our weights."""
    names = {f"layers.{n}.{part}.0.weight": f"{part}.{n}.weight" for n in range(7) for part in ("bottom_up", "lateral")}
    state = {}
    for name, tensor in network.state_dict().items():
        renamed = names.get(name, name)
        if ".norm." in name:
            _, number, _, rest = name.split(".", 3)
            renamed = f"norm.{number}.{rest}"
        state[renamed.replace("classifier.0", "classifier")] = tensor
    plain.load_state_dict(state)


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    device = best_device()
    torch.manual_seed(0)
    network = rcnnzoo.build("bl", categories=1000, image_size=options.image_size)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # as if it had been trained
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            module.get_buffer("running_mean").normal_(std=0.1)
            module.get_buffer("running_var").uniform_(0.5, 1.5)
    plain = Plain(1000, network.num_steps)
    the_same(network, plain)
    network.eval().to(device).to(memory_format=torch.channels_last)
    plain.eval().to(device)
    images = (torch.rand(options.batch_size, 3, options.image_size, options.image_size) * 2 - 1).to(device)
    with torch.inference_mode():
        expected = copy.deepcopy(plain).double()(images[:2].double())
        ours: list[float] = []
        theirs: list[float] = []
        for model, name in ((plain, "plain"), (network, "ours")):
            model(images)
            with resources(device) as used:
                logits = model(images)
            error = (logits[:2] - expected).abs().max().item()
            print(f"{name}: largest difference from float64 {error:.1e}, peak memory {used.peak_bytes / 2**30:.2f} GiB")
        print(f"largest logit {expected.abs().max().item():.1f}")
        for _ in range(options.rounds):
            theirs.append(seconds(lambda: plain(images), device))
            ours.append(seconds(lambda: network(images), device))
    for shape, took in MEASURED.items():
        each = ", ".join(f"{name} {1000 * one:.1f} ms" for name, one in took.items())
        print(f"{shape.maps_in} -> {shape.maps} maps of {shape.height}x{shape.width}, kernel {shape.kernel}: {each}")
    ratios = sorted(a / b for a, b in zip(theirs, ours, strict=True))
    print(
        f"batch {options.batch_size}: ours is {statistics.median(ratios):.2f} times as fast as plain torch "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f} in {options.rounds} rounds; plain {statistics.median(theirs):.2f} s)"
    )


if __name__ == "__main__":
    main()
