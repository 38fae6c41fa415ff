"""ImageNet ILSVRC-2012 (Russakovsky et al. 2015, doi 10.1007/s11263-015-0816-y)."""

from __future__ import annotations

import csv
from pathlib import Path

from rcnnzoo.data.folders import read_class_folders, split_of_files
from rcnnzoo.data.splits import Split
from rcnnzoo.errors import DataError

CATEGORIES = 1000
KAGGLE_IMAGES = Path("ILSVRC", "Data", "CLS-LOC")
KAGGLE_LABELS = "LOC_val_solution.csv"


def category_names() -> tuple[str, ...]:
    """The synset ids in sorted order, which is that of the folders; timm knows them.

    >>> category_names()[:2]
    ('n01440764', 'n01443537')
    """
    from timm.data import ImageNetInfo  # slow to import, and seldom asked for

    return tuple(ImageNetInfo().label_names())


def read_imagenet(folder: Path) -> dict[str, Split]:
    """The splits train and val; the test images have no public labels.

    Two layouts are known: train/ and val/ with a folder a synset, and Kaggle's, whose val/ is flat and whose
    labels stand in `LOC_val_solution.csv`.

    Raises:
        DataError: Neither layout is there.
    """
    images = folder / KAGGLE_IMAGES if (folder / KAGGLE_IMAGES).is_dir() else folder
    labels = folder / KAGGLE_LABELS
    if not (images / "train").is_dir():
        raise DataError(f"{images}: holds no train/ with a folder a synset")
    splits = {"train": read_class_folders(images / "train")}
    if labels.is_file() and not any(entry.is_dir() for entry in (images / "val").iterdir()):
        splits["val"] = _read_flat(images / "val", labels, splits["train"].categories)
    elif (images / "val").is_dir():
        splits["val"] = read_class_folders(images / "val")
    return splits


def _read_flat(folder: Path, table: Path, categories: tuple[str, ...]) -> Split:
    """Kaggle's val/: a row of the table names an image and the synset of its first box."""
    numbers = {name: number for number, name in enumerate(categories)}
    files, labels = [], []
    with table.open(newline="") as lines:
        for row in csv.DictReader(lines):
            try:
                labels.append(numbers[row["PredictionString"].split()[0]])
                files.append(f"{row['ImageId']}.JPEG")
            except (KeyError, IndexError) as error:
                raise DataError(f"{table}: {error} in row {len(files) + 1} is no synset folder of train/") from error
    return split_of_files(folder, categories, files, labels)
