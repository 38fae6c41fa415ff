"""What users type for MODEL, opened and checked once; `data.opening` handles DATA, `traces` TRACE."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rcnnzoo import plugins
from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.images import usual_size
from rcnnzoo.data.opening import Data, is_same_source, open_data
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.errors import OptionError, WeightsError
from rcnnzoo.recording import storage
from rcnnzoo.runs.folder import RUNS, SETTINGS, Run, is_member
from rcnnzoo.runs.members import members
from rcnnzoo.subjects import Subject
from rcnnzoo.text import counted
from rcnnzoo.training.settings import check_alike, load_settings, read_settings
from rcnnzoo.training.settling import open_run_data
from rcnnzoo.weights.files import load
from rcnnzoo.weights.hub import Fetched, address_of, fetch, is_address
from rcnnzoo.writing import WEIGHTS, as_utf8, file_name


@dataclass(frozen=True)
class Reference:
    """What a user typed for MODEL or TRACE: a trace, a weight file, a run folder, hf://OWNER/NAME, or an architecture.

    Attributes:
        text: What was typed.
        seed: Random seed of an untrained network's weights.
    """

    text: str
    seed: int = 0

    @property
    def is_trace(self) -> bool:
        """Whether it is a trace, finished or not, rather than a network."""
        if is_address(self.text):
            return False
        return storage.is_trace(Path(self.text)) or Path(self.text).suffix == ".zarr"

    @cached_property
    def members(self) -> dict[int, Reference]:
        """The networks of a folder that `rcnnzoo train --seeds` wrote, by their seeds; empty for a single network.

        Raises:
            TrainingError: They differ in more than their seed.
        """
        folder = Path(self.text)
        if self.is_trace or (folder / SETTINGS).is_file() or (folder / WEIGHTS).is_file():
            return {}
        runs = members(folder)
        check_alike([Run(run).settings for run in runs.values()])
        return {seed: Reference(str(run)) for seed, run in runs.items()}

    @cached_property
    def fetched(self) -> Fetched | None:
        """The network on the Hugging Face Hub that it refers to, fetched; None if it is another kind of reference.

        Raises:
            OptionError: It is not OWNER/NAME that follows `hf://`.
            WeightsError: It can't be fetched.
        """
        return fetch(address_of(self.text)) if is_address(self.text) else None

    @cached_property
    def weights(self) -> Path | None:
        """The weight file that it refers to, or None if it names an architecture.

        A run folder comes before an architecture of the same name.

        Raises:
            WeightsError: It is a path at which there is no network.
        """
        text, path = self.text, Path(self.text)
        if self.fetched is not None:
            return self.fetched.path
        if path.suffix == ".safetensors":
            return path
        if (path / WEIGHTS).is_file():
            return path / WEIGHTS
        if plugins.package_of("architectures", text) is not None:
            return None
        raise self._missing()

    def _missing(self) -> WeightsError:
        """The error about a text that does not name a network.

        Raises:
            UnknownName: It may be a misspelt architecture.
        """
        text, path = self.text, Path(self.text)
        if (path / SETTINGS).is_file():
            run = Run(path)
            done, epochs = run.epochs_done(), read_settings(run.settings).get("epochs")
            return WeightsError(f"{text}: is not finished (epoch {done} of {epochs}): {run.how_to_resume}")
        if several := members(path):
            return WeightsError(
                f"{text}: holds {counted(len(several), 'run')} that differ in their seed; name one of them, such as "
                f"{next(iter(several.values()))}"
            )
        if path.is_dir():
            return WeightsError(
                f"{text}: is not a run folder, it has no {WEIGHTS}; name a folder that `rcnnzoo train` wrote"
            )
        if path.exists():
            return WeightsError(f"{text}: is not a weight file that rcnnzoo reads; name a run or a .safetensors file")
        if (Path(RUNS) / text / WEIGHTS).is_file():
            return WeightsError(f"{text}: there is no such run here; did you mean {Path(RUNS) / text}?")
        if os.sep in text:
            return WeightsError(f"{text}: there is no such run folder or .safetensors file")
        plugins.look_up("architectures", text)  # raises, and offers the nearest names
        raise AssertionError(text)

    @property
    def config(self) -> Path | None:
        """The settings file of the run that it refers to, if any."""
        config = None if self.weights is None or self.fetched is not None else self.weights.parent / SETTINGS
        return config if config is not None and config.is_file() else None

    @property
    def name(self) -> str:
        """The name of the network: that of its run, its file or its architecture; of a member, its folder's as well."""
        if self.weights is None:
            return f"{file_name(self.text)}-seed{self.seed}"
        if self.fetched is not None:
            address = self.fetched.address
            return file_name(f"{address.repository}@{str(address.revision)[:7]}")
        run = self.weights.absolute().parent
        if self.config is None:
            return as_utf8(self.weights.stem)
        return as_utf8(f"{run.parent.name}-{run.name}" if is_member(run) else run.name)

    @property
    def traces(self) -> Path:
        """The folder for traces of the network."""
        if self.weights is None or self.fetched is not None:
            return Path("traces", self.name)
        return self.weights.parent / "traces" / (self.weights.stem if self.config is None else "")

    def check_seed(self, conditions: Conditions = PLAIN, *, draws: bool = False) -> None:
        """Refuse a seed where nothing is drawn: neither initial weights nor what is shown.

        Args:
            conditions: What is shown.
            draws: Whether anything else is drawn.

        Raises:
            OptionError: One was given.
        """
        is_fixed = self.is_trace or bool(self.members) or self.weights is not None
        if self.seed and not (draws or conditions.is_random) and is_fixed:
            what = "a trace, which was recorded before" if self.is_trace else "trained"
            raise OptionError(f"`seed` {self.seed}: {self.text} is {what}: leave that out")

    def open(self, conditions: Conditions = PLAIN, **options: Any) -> RecurrentModel:
        """The network: a trained one from its file, or an untrained one.

        >>> Reference("b").open(categories=10, image_size=32, width=1 / 16).num_steps
        1

        Args:
            conditions: An untrained network is built for the number of time steps that they ask for.
            options: Of `rcnnzoo.build`; None means not given.

        Raises:
            WeightsError: There is no such file or run, or it can't be read.
            UnknownName: There is no such architecture.
            OptionError: An option can't work, or was given for a trained network, which has its own.
        """
        given = {name: value for name, value in options.items() if value is not None}
        if self.weights is None:
            if conditions.total is not None:
                given.setdefault("steps", conditions.total)
            return build(self.text, seed=self.seed, **given).eval()
        if given:
            names = ", ".join(f"`{name}`" for name in given)
            raise OptionError(
                f"{self.weights}: is a trained network, whose {names} can't be changed: leave that out, or name an "
                "architecture"
            )
        return load(self.weights)

    def images(self, data: str | None, data_dir: Path | None = None) -> Data:
        """The images to run the network on: those of DATA, by default the data set that it was trained on.

        Raises:
            OptionError: Neither `data` nor the network says which.
            UnknownName: There is no such data set.
            DataError: There are no such images.
        """
        run = None if self.config is None else load_settings(self.config)
        if run is not None and (data is None or is_same_source(data, run.data)):
            # The run's own images, split as the run split them.
            folder = run.data_dir if data_dir is None else str(data_dir)
            return open_run_data(run.data, folder, run.val_fraction, run.seed)
        if data is None:
            raise OptionError(f"{self.text}: it is not known which images it was trained on: give `data`")
        return open_data(data, data_dir)


def open_subject(
    text: str,
    data: str | None = None,
    data_dir: Path | None = None,
    split: str | None = None,
    *,
    seed: int = 0,
    model: RecurrentModel | None = None,
    image_size: int | None = None,
    conditions: Conditions = PLAIN,
    **options: Any,
) -> Subject:
    """The network and the images that a user means.

    Args:
        text: What a user typed for MODEL.
        data: A registered name or a folder; without it, what the run was trained on.
        data_dir: Folder of a registered data set.
        split: Which part; by default test, otherwise val, or the first.
        seed: Random seed of an untrained network's weights.
        model: The network, if it was loaded before.
        image_size: Side of the images of an untrained network in pixels; by default that of the images.
        conditions: An untrained network is built for the number of time steps that they ask for.
        options: Further options of `rcnnzoo.build`, for an untrained network; None means not given.

    Raises:
        OptionError: Neither `data` nor the network says which images, or an option doesn't go with a trained network.
        WeightsError: There is no such network.
        UnknownName: There is no such architecture.
        DataError: There are no such images.
    """
    reference = Reference(text, seed)
    is_trained = reference.weights is not None  # a misspelt name is reported before anything else
    images = reference.images(data, data_dir)
    chosen = split or images.best_test()
    part = images.split(chosen)
    if not is_trained:
        image_size = usual_size(part) if image_size is None else image_size
        options["categories"] = part.categories
    network = reference.open(conditions, image_size=image_size, **options) if model is None else model
    return Subject(network, text, reference.name, images, chosen, reference.traces)
