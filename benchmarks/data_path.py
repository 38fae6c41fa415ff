"""Images a second that data paths hand to training: packed shards, folders, and torchvision's folders beside them.

python benchmarks/data_path.py [--images 512] [--workers 2] [--rounds 3]

Photographs are scikit-learn's two samples, mirrored, shifted and resized. All paths cut a random part of each, resize
it to 128 pixels and mirror it half of the time, with the same number of worker processes, in turn; what is compared is
the median of whole epochs, their starts included.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from rcnnzoo.data.batches import training_batches
from rcnnzoo.data.images import prepare
from rcnnzoo.data.opening import open_data
from rcnnzoo.data.packing import Packing, pack
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.progress import quiet

SIDE, BATCH = 128, 64
SIZES = {"256 x 384": (384, 256), "427 x 640": (640, 427)}


def make_photographs(folder: Path, images: int, size: tuple[int, int]) -> None:
    """JPEG files of that width and height in two class folders."""
    samples = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    random = np.random.default_rng(0)
    for number in range(images):
        label = number % 2
        pixels = np.roll(np.asarray(samples[label].resize(size)), int(random.integers(size[0])), axis=1)
        image = Image.fromarray(pixels[:, :: random.choice([-1, 1])])
        file = folder / "train" / "ab"[label] / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file, quality=92)


def ours(source: Path, workers: int) -> Callable[[int], Iterable[object]]:
    """Batches of an epoch as training takes them."""
    images = prepare(open_data(str(source)).split("train"), SIDE, Unreadable(), workers)
    return lambda epoch: training_batches(images, BATCH, seed=0, epoch=epoch, mirrored=True)


def torchvisions(folder: Path, workers: int) -> Callable[[int], Iterable[object]]:
    """The same by ImageFolder and DataLoader."""
    transform = v2.Compose([v2.RandomResizedCrop(SIDE), v2.RandomHorizontalFlip(), v2.PILToTensor()])
    loader = DataLoader(
        ImageFolder(str(folder / "train"), transform),
        BATCH,
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        persistent_workers=workers > 0,
    )
    return lambda epoch: loader


def images_per_second(epoch: Callable[[int], Iterable[object]], number: int) -> float:
    """Of one epoch, its start included."""
    started = time.perf_counter()
    batches = sum(1 for _ in epoch(number))
    return batches * BATCH / (time.perf_counter() - started)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory() as temporary, quiet():
            folder = Path(temporary, "photographs")
            make_photographs(folder, options.images, size)
            pack(open_data(str(folder)), Path(temporary, "packed"), Packing(160, 90, options.workers, 0))
            paths = {
                "torchvision's ImageFolder": torchvisions(folder, options.workers),
                "folder": ours(folder, options.workers),
                "packed, shorter side 160": ours(Path(temporary, "packed"), options.workers),
            }
            found: dict[str, list[float]] = {path: [] for path in paths}
            for number in range(options.rounds + 1):
                for path, epoch in paths.items():
                    found[path].append(images_per_second(epoch, number))
        base = statistics.median(found["torchvision's ImageFolder"][1:])  # workers start in the first round
        for path, speeds in found.items():
            speed = statistics.median(speeds[1:])
            print(f"{name}: {path}: {speed:.0f} images/s, {speed / base:.2f} times torchvision's")


if __name__ == "__main__":
    main()
