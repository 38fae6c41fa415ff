"""The golden files beside this script: the authors' networks in Keras, their weight files, and their results.

Rebuilt from cjspoerer/rcnn-sat (`b_net.py`, `bl_net.py`), with random weights and random batch-norm statistics.
The weight files are Keras' own, compressed afterwards. For a separate environment, since rcnnzoo needs neither
package (made with tensorflow-cpu and tf_keras 2.21):

    pip install tensorflow-cpu tf_keras
    python make_goldens.py                                              # the files beside this script
    python make_goldens.py --width 1 --steps 8 --categories 565 --images 1 --out full     # full size
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras as keras

IMAGE_SIZE = 128
MAPS, KERNELS = (96, 128, 192, 256, 512, 1024, 2048), (7, 5, 3, 3, 3, 3, 1)
FEEDFORWARD = {  # maps, kernels, and whether each layer pools first
    "b": (MAPS, KERNELS, (False, *[True] * 6)),
    "b-k": (MAPS, (11, 7, 5, 5, 5, 5, 3), (False, *[True] * 6)),
    "b-f": (tuple(2 * maps for maps in MAPS), KERNELS, (False, *[True] * 6)),
    "b-d": (np.repeat(MAPS, 2).tolist(), np.repeat(KERNELS, 2).tolist(), (False, False, *[True, False] * 6)),
}


def convolution(maps: int, kernel: int, name: str) -> Any:
    """As all convolutions of theirs."""
    return keras.layers.Conv2D(maps, kernel, padding="same", use_bias=False, name=name)


def feedforward(architecture: str, width: float, categories: int) -> tuple[Any, list[Any]]:
    """The input and, for the one time step, the logits."""
    image = x = keras.layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3))
    for layer, (maps, kernel, pools) in enumerate(zip(*FEEDFORWARD[architecture], strict=True)):
        if pools:
            x = keras.layers.MaxPool2D((2, 2), name=f"MaxPool_Layer_{layer}")(x)
        x = convolution(round(maps * width), kernel, f"Conv_Layer_{layer}")(x)
        x = keras.layers.BatchNormalization(-1, name=f"BatchNorm_Layer_{layer}")(x)
        x = keras.layers.Activation("relu", name=f"ReLU_Layer_{layer}")(x)
    x = keras.layers.GlobalAvgPool2D(name="GlobalAvgPool")(x)
    return image, [keras.layers.Dense(categories, name="ReadoutDense")(x)]


def recurrent(width: float, steps: int, categories: int) -> tuple[Any, list[Any]]:
    """The input and the logits of each time step; lateral connections come from the step before, after the ReLU."""
    image = keras.layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3))
    layers = range(len(MAPS))
    maps = [round(number * width) for number in MAPS]
    bottom_up = [convolution(maps[layer], KERNELS[layer], f"RCL_{layer}_BConv") for layer in layers]
    lateral = [convolution(maps[layer], KERNELS[layer], f"RCL_{layer}_LConv") for layer in layers]
    dense = keras.layers.Dense(categories, name="ReadoutDense")
    before: list[Any] = []
    logits = []
    for step in range(steps):
        now: list[Any] = []
        for layer in layers:
            below = keras.layers.MaxPool2D((2, 2), name=f"MaxPool_Layer_{layer}_Time_{step}")(now[-1]) if now else image
            x = bottom_up[layer](below)
            if before:
                x = keras.layers.Add(name=f"Sum_Layer_{layer}_Time_{step}")([x, lateral[layer](before[layer])])
            x = keras.layers.BatchNormalization(-1, name=f"BatchNorm_Layer_{layer}_Time_{step}")(x)
            now.append(keras.layers.Activation("relu", name=f"ReLU_Layer_{layer}_Time_{step}")(x))
        logits.append(dense(keras.layers.GlobalAvgPool2D(name=f"GlobalAvgPool_Time_{step}")(now[-1])))
        before = now
    return image, logits


def randomise(network: Any, random: np.random.Generator) -> None:
    """Random values for everything that a file holds, of a size at which every layer still has an effect."""
    for layer in network.layers:
        drawn = []
        for weight in layer.weights:
            name, shape = weight.name.split("/")[-1].split(":")[0], weight.shape.as_list()
            if name == "kernel":
                gain = 1 if "RCL" in layer.name else 2  # two of them are summed
                values = random.normal(0, np.sqrt(gain / np.prod(shape[:-1])), shape)
            elif name in ("gamma", "moving_variance"):
                values = random.uniform(0.5, 1.5, shape)
            else:
                assert name in ("beta", "moving_mean", "bias")
                values = random.normal(0, 0.3, shape)
            drawn.append(np.round(values * 256) / 256)  # few digits, so that the files compress
        layer.set_weights(drawn)


def compress(file: Path) -> None:
    """Put a gzip file in place of a file; nothing in it depends on the date."""
    file.with_suffix(".h5.gz").write_bytes(gzip.compress(file.read_bytes(), compresslevel=4, mtime=0))
    file.unlink()


def main() -> None:
    """Write one weight file per network, for `b` also a whole saved model, and images and results in one .npz each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=float, default=1 / 48)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--categories", type=int, default=5)
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    typed = parser.parse_args()
    typed.out.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    # Coloured squares of 8, 16, ... pixels: random enough, and small when compressed.
    sides = [8 * 2**number for number in range(typed.images)]
    squares = [random.integers(0, 256, (IMAGE_SIZE // side, IMAGE_SIZE // side, 3)) for side in sides]
    images = np.stack([np.kron(s, np.ones((n, n, 1))) for s, n in zip(squares, sides, strict=True)]).astype(np.uint8)
    for architecture in ("b", "b-k", "b-f", "b-d", "bl"):
        keras.backend.clear_session()
        if architecture == "bl":
            image, logits = recurrent(typed.width, typed.steps, typed.categories)
        else:
            image, logits = feedforward(architecture, typed.width, typed.categories)
        summed = [keras.layers.Add()(logits[: step + 1]) if step else logits[0] for step in range(len(logits))]
        randomise(network := keras.Model(image, logits), random)
        answers = keras.Model(image, [*logits, *summed, *map(keras.activations.softmax, summed)])
        found = np.stack(answers(images / 127.5 - 1, training=False), axis=1)
        instantaneous, cumulative, probabilities = np.split(found, 3, axis=1)
        file = typed.out / architecture
        np.savez_compressed(
            file.with_suffix(".npz"),
            images=images,
            logits=instantaneous,
            summed_logits=cumulative,
            probabilities=probabilities,
        )
        network.save_weights(weights := file.with_suffix(".h5"))
        compress(weights)
        if architecture == "b":
            network.save(weights := typed.out / "b-whole-model.h5")
            compress(weights)


if __name__ == "__main__":
    main()
