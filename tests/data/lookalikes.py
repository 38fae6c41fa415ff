"""Tiny data sets in the layouts of the real ones, with the oddities that those have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

ECOSET_CATEGORIES = ("0001_man", "0002_house", "0005_car", "0017_fish")
IMAGENET_CATEGORIES = ("n01440764", "n01443537", "n01484850")


def save_image(file: Path, seed: int, mode: str = "RGB", form: str = "JPEG", size: tuple[int, int] = (90, 70)) -> None:
    """A picture of noise around a grey that depends on the seed."""
    random = np.random.default_rng(seed)
    pixels = np.clip(random.normal(40 + 30 * (seed % 7), 20, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(file, format=form)


def make_ecoset(folder: Path, each: int = 3) -> Path:
    """train/, val/ and test/ with names and ids of ecoset's; a greyscale and a CMYK JPEG among them."""
    for split in ("train", "val", "test"):
        for label, category in enumerate(ECOSET_CATEGORIES):
            for number in range(each):
                mode = {(0, 1): "L", (1, 0): "CMYK"}.get((label, number), "RGB")
                name = f"n{label:08d}_{number}.JPEG"
                save_image(folder / split / category / name, seed=label * 100 + number, mode=mode)
    return folder


def make_imagenet(folder: Path, each: int = 3) -> Path:
    """train/ and val/ with one folder per synset; greyscale, CMYK and a PNG named .JPEG, as the real one has."""
    for split in ("train", "val"):
        for label, category in enumerate(IMAGENET_CATEGORIES):
            for number in range(each):
                mode = {(0, 0): "L", (1, 1): "CMYK"}.get((label, number), "RGB")
                form = "PNG" if (label, number) == (2, 1) else "JPEG"
                save_image(folder / split / category / f"{category}_{number}.JPEG", label * 100 + number, mode, form)
    return folder


def make_kaggle_imagenet(folder: Path, each: int = 3) -> Path:
    """Kaggle's ILSVRC/: train/ as above, val/ flat, its labels in a table whose rows are in another order."""
    images = folder / "ILSVRC" / "Data" / "CLS-LOC"
    rows = []
    for label, category in enumerate(IMAGENET_CATEGORIES):
        for number in range(each):
            save_image(images / "train" / category / f"{category}_{number}.JPEG", label * 100 + number)
            name = f"ILSVRC2012_val_{label * each + number + 1:08d}"
            save_image(images / "val" / f"{name}.JPEG", label * 100 + number)
            rows.append(f"{name},{category} 1 2 30 40 {category} 5 6 7 8 ")
    (folder / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *reversed(rows)]) + "\n")
    return folder


def make_classes(folder: Path, categories: tuple[str, ...] = ("cat", "dog"), each: int = 4, **options: object) -> Path:
    """A folder of class folders."""
    for label, category in enumerate(categories):
        for number in range(each):
            save_image(folder / category / f"{number}.jpg", label * 100 + number, **options)  # type: ignore[arg-type]
    return folder
