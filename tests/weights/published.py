"""The golden weight files of `rcnn_sat/make_goldens.py`, and ways to damage them."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np

GOLDENS = Path(__file__).with_name("rcnn_sat")


def unpack(name, folder):
    """A weight file as Keras wrote it: b, b-k, b-f, b-d, bl or b-whole-model."""
    file = folder / f"{name}.h5"
    file.write_bytes(gzip.decompress((GOLDENS / f"{name}.h5.gz").read_bytes()))
    return file


def answers(architecture):
    """The results of Keras' network: images, logits, summed_logits, probabilities."""
    return np.load(GOLDENS / f"{architecture}.npz")


def replace(file, layer, array, values):
    """Put other values in place of a layer's array."""
    with h5py.File(file, "r+") as opened:
        where = f"{layer}/{layer}/{array}:0"
        del opened[where]
        opened[where] = values


def change(file, layer, array, function):
    """Replace a layer's array by a function of it."""
    with h5py.File(file) as opened:
        values = opened[f"{layer}/{layer}/{array}:0"][()]
    replace(file, layer, array, function(values))


def delete(file, *layers):
    """Leave layers out."""
    with h5py.File(file, "r+") as opened:
        for layer in layers:
            del opened[layer]


def add(file, layer, arrays):
    """A layer with arrays of given shapes, all zero and not stored."""
    with h5py.File(file, "a") as opened:
        group = opened.create_group(layer)
        group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in arrays]
        for name, shape in arrays.items():
            group.create_dataset(f"{layer}/{name}:0", shape, "f4", chunks=True)
