"""How much faster fused optimisers update the weights of `bl` than torch's default, on this device.

python benchmarks/optimisers.py
"""

from __future__ import annotations

import argparse
import statistics

import torch

import rcnnzoo
from rcnnzoo.devices import best_device, seconds

KINDS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}


def main() -> None:
    """Print the ratio for each optimiser."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    device = best_device()
    network = rcnnzoo.build("bl", categories=1000, image_size=128, width=options.width).to(device)
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter) * 1e-3
    for name, kind in KINDS.items():
        ways = [kind(network.parameters(), lr=1e-4, fused=fused) for fused in (None, True)]
        pairs = [[seconds(way.step, device) for way in ways] for _ in range(options.rounds + 1)][1:]
        ratios = sorted(usual / fused for usual, fused in pairs)
        usual = 1000 * statistics.median(one for one, _ in pairs)
        print(
            f"{name}: fused is {statistics.median(ratios):.1f} times as fast as the default "
            f"({ratios[0]:.1f} to {ratios[-1]:.1f} in {options.rounds} rounds; default {usual:.1f} ms)"
        )


if __name__ == "__main__":
    main()
