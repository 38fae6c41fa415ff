"""Labelled images: registered data sets and users' own folders, read as `splits.Split`.

This module is the plugin that registers the built-in data sets; it imports no reader.
"""

from __future__ import annotations

from rcnnzoo.hookspecs import DataSet, hookimpl


@hookimpl
def rcnnzoo_data() -> list[DataSet]:
    """Ecoset and ImageNet, which the source trains on, and small sets to try things with."""
    here = "rcnnzoo.data"
    return [
        DataSet(
            "ecoset",
            "565 basic categories, about 1.5 million images",
            f"{here}.ecoset:read_ecoset",
            page="https://www.kietzmannlab.org/ecoset",
            size="1.5 million images, on the order of 150 GB",
            licence="CC BY-NC-SA 2.0",
            layout="train/, val/ and test/ with folders 0001_man, 0005_house, ...",
        ),
        DataSet(
            "imagenet",
            "ILSVRC-2012: 1,000 categories, 1.28 million images",
            f"{here}.imagenet:read_imagenet",
            page="https://www.image-net.org/download-images",
            size="1.3 million images, on the order of 150 GB",
            licence="ImageNet's terms: non-commercial research",
            layout="train/ and val/ with folders n01440764, n01443537, ...; or Kaggle's files as unpacked",
        ),
        DataSet(
            "cifar10",
            "10 categories, 60,000 images of 32x32",
            f"{here}.cifar10:read_cifar10",
            page="https://www.cs.toronto.edu/~kriz/cifar.html",
            size="162 MB",
            licence="none given; the page asks to cite the technical report",
            layout="cifar-10-batches-bin/ (the binary version), or train/ and test/ with one folder per class",
        ),
        DataSet(
            "digits",
            "10 handwritten digits, 1,797 images of 8x8, bundled with scikit-learn",
            f"{here}.digits:read_digits",
            bundled=True,
            mirrored=False,
        ),
        DataSet(
            "digits-clutter",
            "digits among pieces of other digits, 3,594 images of 32x32, made from scikit-learn's",
            f"{here}.digits_clutter:read_digits_clutter",
            bundled=True,
            mirrored=False,
        ),
    ]
