"""ImageNet ILSVRC-2012 (Russakovsky et al. 2015, doi 10.1007/s11263-015-0816-y)."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

from rcnnzoo.data.folders import is_image, read_class_folders, split_of_files
from rcnnzoo.data.splits import Split
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError

CATEGORIES = 1000
KAGGLE_IMAGES = Path("ILSVRC", "Data", "CLS-LOC")
KAGGLE_LABELS = "LOC_val_solution.csv"


def category_names() -> tuple[str, ...]:
    """The synset ids in sorted order, which is that of the folders; timm knows them.

    >>> category_names()[:2]
    ('n01440764', 'n01443537')
    """
    from timm.data import ImageNetInfo  # slow to import, and rarely needed

    return tuple(ImageNetInfo().label_names())


def read_imagenet(folder: Path) -> dict[str, Split]:
    """The splits train and val; the test images have no public labels.

    Two layouts are known: train/ and val/ with a folder for each synset, and Kaggle's, whose val/ is flat and whose
    labels are in `LOC_val_solution.csv`.

    Raises:
        DataError: The folder has neither layout.
    """
    images = folder / KAGGLE_IMAGES if (folder / KAGGLE_IMAGES).is_dir() else folder
    if not (images / "train").is_dir():
        raise DataError(f"{images}: holds no train/ with a folder for each synset")
    splits = {"train": read_class_folders(images / "train")}
    val = images / "val"
    if val.is_dir() and not any(entry.is_dir() for entry in val.iterdir()):
        splits["val"] = _read_flat(val, folder / KAGGLE_LABELS, splits["train"].categories)
    elif val.is_dir():
        splits["val"] = read_class_folders(val)
    return splits


def _read_flat(folder: Path, table: Path, categories: tuple[str, ...]) -> Split:
    """Kaggle's val/: a row of the table names an image and the synset of its first box.

    Images of synsets that train/ lacks are left out, and counted in a warning.

    Raises:
        DataError: There is no such table, or it has another format.
    """
    if not table.is_file():
        raise DataError(
            f"{folder}: holds images without class folders: sort them into a folder for each synset, or put Kaggle's "
            f"{KAGGLE_LABELS} into {table.parent} (the devkit's ground-truth text numbers the synsets in another order)"
        )
    numbers = {name: number for number, name in enumerate(categories)}
    files, labels, others = [], [], 0
    with table.open(newline="", encoding="utf-8-sig") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            image, boxes = row.get("ImageId"), (row.get("PredictionString") or "").split()
            if not image or not boxes:
                raise DataError(f"{table}, row {number}: needs an ImageId and a PredictionString with a synset")
            if boxes[0] not in numbers:
                others += 1
                continue
            labels.append(numbers[boxes[0]])
            files.append(f"{image}.JPEG")
    if others:
        message = f"{folder}: skipped {others:,} images of synsets that train/ does not hold"
        warnings.warn(message, DataWarning, stacklevel=2)
    unlisted = sum(is_image(entry.name) for entry in folder.iterdir()) - len(files) - others
    if unlisted > 0:
        warnings.warn(
            f"{folder}: skipped {unlisted:,} images that {table.name} does not list", DataWarning, stacklevel=2
        )
    return split_of_files(folder, categories, files, labels)
