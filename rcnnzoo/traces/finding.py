"""From what users type for MODEL|TRACE to a trace."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rcnnzoo import plugins
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.images import usual_size
from rcnnzoo.data.opening import Data, open_data
from rcnnzoo.errors import OptionError, TraceError
from rcnnzoo.traces import storage
from rcnnzoo.traces.recording import Recording, identify, record
from rcnnzoo.training.settings import is_same_data, load_settings
from rcnnzoo.weights.files import file_hash
from rcnnzoo.weights.models import FILE, is_of_run, network_name, open_model, weights_file
from rcnnzoo.writing import file_name


@dataclass(frozen=True)
class Subject:
    """A network and the images it is to see.

    Attributes:
        model: The network.
        name: What people call it.
        data: The images.
        split: Which part of them.
        traces: Folder for traces of this network.
    """

    model: RecurrentModel
    name: str
    data: Data
    split: str
    traces: Path

    def record(self, how: Recording, path: Path | None = None) -> Path:
        """Record the trace at `path`; in the folder for traces unless given."""
        path = path or self.path
        record(self.model, self.data, self.split, path, how, name=self.name)
        return path

    def find(self, how: Recording) -> Path:
        """The trace that is there already for these weights and images, else record it."""
        identity = identify(self.model, self.data, self.split, how)
        for path in sorted(self.traces.glob(f"{glob.escape(self.path.stem)}*.zarr")):
            if storage.is_trace(path) and _serves(path, identity):
                return self.record(replace(how, features=storage.open_group(path, mode="r").attrs["features"]), path)
        # What lies there already may be of use to somebody; only a name is taken.
        suffix = f"-{identity['weights_sha256'][:6]}{identity['data_sha256'][:6]}-{how.precision}"
        return self.record(how, self.path.with_stem(self.path.stem + suffix) if self.path.exists() else None)

    @property
    def path(self) -> Path:
        """Where the trace of this network and these images lies."""
        return self.traces / f"{self.data.name}-{self.split}.zarr"


def find_subject(
    model: str,
    data: str | None = None,
    data_dir: Path | None = None,
    split: str | None = None,
    *,
    seed: int = 0,
    width: float | None = None,
    steps: int | None = None,
    image_size: int | None = None,
) -> Subject:
    """The network and the images that a user means.

    Args:
        model: What a user typed for MODEL.
        data: A registered name or a folder; without it, what the run was trained on.
        data_dir: Where a registered data set lies.
        split: Which part; without it test, else val, else what there is.
        seed: Of an untrained network's weights.
        width: Multiplies an untrained network's feature maps.
        steps: Time steps of an untrained network.
        image_size: Side of the images of an untrained network in pixels; without it, by the images.

    Raises:
        OptionError: It isn't said which images, or an option doesn't go with a trained network.
        WeightsError: There is no such network.
        UnknownName: There is no such architecture.
        DataError: There are no such images.
    """
    file = weights_file(model)
    if file is None:
        plugins.describe("architectures", model)  # a misspelt one is said to be that before anything else is missed
    images = _open_data(file, data, data_dir)
    chosen = split or images.best_test()
    part = images.split(chosen)
    if file is None:
        size = usual_size(part) if image_size is None else image_size
        network = open_model(model, seed=seed, categories=part.categories, image_size=size, width=width, steps=steps)
        name = f"{file_name(model)}-seed{seed}"
        return Subject(network, name, images, chosen, Path("traces", name))
    network = open_model(model, width=width, steps=steps, image_size=image_size)
    traces = file.parent / "traces" / ("" if is_of_run(file) else file.stem)
    return Subject(network, network_name(file), images, chosen, traces)


def find_trace(
    model_or_trace: str,
    data: str | None = None,
    data_dir: Path | None = None,
    split: str | None = None,
    *,
    seed: int = 0,
    how: Recording,
) -> Path:
    """A trace as it is, or a network's, recorded unless it is there already for these weights and images.

    Raises:
        OptionError: A trace was named together with images.
        TraceError: The trace can't be used.
    """
    if storage.is_trace(Path(model_or_trace)) or Path(model_or_trace).suffix == ".zarr":
        if data or split or data_dir:
            raise OptionError(
                f"{model_or_trace} is a trace, its images are settled: leave out --data, --data-dir and --split"
            )
        check_fresh(Path(model_or_trace))
        return Path(model_or_trace)
    return find_subject(model_or_trace, data, data_dir, split, seed=seed).find(how)


def check_fresh(trace: Path) -> None:
    """Refuse a trace that lies with its network's weights and was recorded from others, before a retraining say.

    A trace that lies elsewhere is taken as it is: it may have left its network behind.

    Raises:
        TraceError: It is stale, or there is none.
        WeightsError: The weights beside it can't be read.
    """
    recorded = storage.open_group(trace, mode="r").attrs["weights_sha256"]
    folder = trace.absolute().parent
    # As `Subject.traces` has it: RUN/traces/x.zarr of RUN/model.safetensors, traces/NAME/x.zarr of NAME.safetensors.
    if folder.name == "traces":
        weights = folder.parent / FILE
    elif folder.parent.name == "traces":
        weights = folder.parent.parent / f"{folder.name}.safetensors"
    else:
        return
    if weights.is_file() and file_hash(weights) != recorded:
        raise TraceError(
            f"{trace}: was recorded from other weights than {weights} holds now; name the network, which traces it "
            "anew, or keep the old trace elsewhere"
        )


def beside(trace: Path) -> Path:
    """The folder for what is found out from a trace."""
    return trace.with_suffix("") if trace.suffix else trace.with_name(f"{trace.name}-results")


def _serves(path: Path, identity: Mapping[str, Any]) -> bool:
    """Whether a trace is of these weights and images; more features than asked for do no harm."""
    found = storage.open_group(path, mode="r").attrs
    return all(found[name] == value for name, value in identity.items() if name != "features")


def _open_data(file: Path | None, data: str | None, data_dir: Path | None) -> Data:
    config = None if file is None else file.parent / "config.toml"
    settings = load_settings(config) if config is not None and config.is_file() else None
    if settings is not None and (data is None or is_same_data(data, settings.data)):
        # The run's own images, less or plus what it held out of them.
        return (settings if data_dir is None else replace(settings, data_dir=str(data_dir))).open_data()
    if data is None:
        raise OptionError("it isn't said which images: give --data")
    return open_data(data, data_dir)
