"""What a stimulus programme costs `rcnnzoo.decide` when it shows the image throughout: it should be nothing.

Both are timed in turn, in alternating order, on the same images and with the same threshold; the ratio is the median of
the ratios of all rounds.

    python benchmarks/programmes.py
"""

from __future__ import annotations

import argparse
import statistics

import torch

import rcnnzoo
from rcnnzoo.devices import best_device, seconds


def main() -> None:
    """Print the ratio, and whether decisions are the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="bl")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    device = best_device()
    size = options.image_size
    network = rcnnzoo.build(options.network, categories=10, image_size=size, width=options.width).to(device).eval()
    images = torch.rand(options.images, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device) * 2 - 1
    with torch.inference_mode():
        entropies = rcnnzoo.policy("entropy").scores(rcnnzoo.readout("cumulative")(network(images)))
    threshold = float(entropies[:, : network.num_steps // 2].amin(1).median())  # half of the images stop half way
    programme = f"image:{network.num_steps}"

    def plain() -> object:
        return rcnnzoo.decide(network, images, "entropy", threshold)

    def shown() -> object:
        return rcnnzoo.decide(network, images, "entropy", threshold, stimulus=programme)

    without, with_it = (
        rcnnzoo.decide(network, images, "entropy", threshold, stimulus=stimulus) for stimulus in (None, programme)
    )
    same = torch.equal(without.reaction_time, with_it.reaction_time) and torch.equal(
        without.confidence, with_it.confidence
    )
    times: list[tuple[float, float]] = []
    for number in range(options.rounds):
        pair = [seconds(call, device) for call in ((plain, shown) if number % 2 else (shown, plain))]
        times.append((pair[0], pair[1]) if number % 2 else (pair[1], pair[0]))
    ratios = sorted(b / a for a, b in times)
    quarter = len(ratios) // 4
    print(f"decisions with {programme} and without: {'the same' if same else 'DIFFERENT'}")
    print(f"mean reaction time {without.reaction_time.double().mean():.2f} of {network.num_steps} steps")
    print(
        f"time with the programme / without: {statistics.median(ratios):.3f} "
        f"(middle half {ratios[quarter]:.3f} to {ratios[-quarter - 1]:.3f} of {len(ratios)} rounds)"
    )


if __name__ == "__main__":
    main()
