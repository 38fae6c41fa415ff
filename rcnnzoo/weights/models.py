"""A network from what users type for MODEL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rcnnzoo import plugins
from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.errors import OptionError, WeightsError
from rcnnzoo.weights.files import load

FILE = "model.safetensors"
"""What a run folder keeps its network in."""


def open_model(text: str, *, seed: int = 0, **options: Any) -> RecurrentModel:
    """A trained network from a run folder or a `.safetensors` file, else an untrained one from its name.

    Args:
        text: What a user typed for MODEL.
        seed: Of an untrained network's weights.
        options: Of `rcnnzoo.build`; None means not given.

    Raises:
        WeightsError: There is no such file or run, or it can't be read.
        UnknownName: There is no such architecture.
        OptionError: An option can't work, or was given for a trained network, which has its own.

    >>> open_model("b", categories=10, image_size=32, width=1 / 16).num_steps
    1
    """
    given = {name: value for name, value in options.items() if value is not None}
    file = weights_file(text)
    if file is None:
        return build(text, seed=seed, **given).eval()
    if given:
        names = ", ".join("--" + name.replace("_", "-") for name in given)
        raise OptionError(f"{file} is trained and settles {names}: leave that out, or name an architecture instead")
    return load(file)


def is_of_run(file: Path) -> bool:
    """Whether a weight file lies in a run's folder."""
    return (file.parent / "config.toml").is_file()


def network_name(file: Path) -> str:
    """What people call the network of a weight file: by its run, else by the file."""
    return file.absolute().parent.name if is_of_run(file) else file.stem


def weights_file(text: str) -> Path | None:
    """The file that MODEL means, or None where it names an architecture.

    A run folder comes before an architecture of the same name.

    Raises:
        WeightsError: It is a path, and nothing there is a network.
    """
    path = Path(text)
    if path.suffix == ".safetensors":
        return path
    if (path / FILE).is_file():
        return path / FILE
    if plugins.package_of("architectures", text) is not None:
        return None
    if path.is_dir():
        raise WeightsError(f"{text}: no run folder, it has no {FILE}; name a folder that `rcnnzoo train` wrote")
    if path.exists():
        raise WeightsError(f"{text}: no weights that rcnnzoo reads; name a run folder or a .safetensors file")
    if os.sep in text:
        raise WeightsError(f"{text}: there is no such run folder or .safetensors file, and no architecture either")
    return None
