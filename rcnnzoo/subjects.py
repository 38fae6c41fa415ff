"""A network with the images to run it on, and its traces of them."""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import xarray as xr

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.opening import Data
from rcnnzoo.engine.conditions import Conditions
from rcnnzoo.recording import storage
from rcnnzoo.recording.blocks import OtherTrace, identity_of
from rcnnzoo.recording.recorder import Recording, identify, record
from rcnnzoo.writing import file_name, is_writable


@dataclass(frozen=True)
class OpenTrace:
    """A trace that was opened and checked.

    Attributes:
        path: Where it is.
        trace: The labelled arrays.
    """

    path: Path
    trace: xr.Dataset

    @property
    def results(self) -> Path:
        """The folder for results from it."""
        return results_folder(self.path)


def results_folder(trace: Path) -> Path:
    """The folder for results from the trace at a path.

    >>> str(results_folder(Path("traces/digits-test.zarr"))), str(results_folder(Path("out/run.1")))
    ('traces/digits-test', 'out/run.1-results')
    """
    return trace.with_suffix("") if trace.suffix == ".zarr" else trace.with_name(f"{trace.name}-results")


@dataclass(frozen=True)
class Subject:
    """A network and the images to run it on.

    Attributes:
        model: The network.
        typed: What a user typed for it.
        name: What it is called.
        data: The images.
        split: Which part of them.
        traces: Folder for traces of this network.
    """

    model: RecurrentModel
    typed: str
    name: str
    data: Data
    split: str
    traces: Path

    def kept_in(self, out: Path | None) -> Subject:
        """The same, its traces in a folder for results if they can't be written beside the network."""
        if out is None or is_writable(self.traces):
            return self
        return replace(self, traces=out / "traces" / file_name(self.name))

    def record(self, how: Recording, path: Path | None = None) -> OpenTrace:
        """Record the trace at `path`; in the folder for traces unless given."""
        path = path or self.path
        return OpenTrace(path, record(self.model, self.data, self.split, path, how, name=self.name))

    def trace(self, how: Recording) -> OpenTrace:
        """The existing trace for these weights and images, or a new one."""
        identity = identify(self.model, self.data, self.split, how)
        path = self.path_under(how.conditions)
        for found in sorted(self.traces.glob(f"{glob.escape(path.stem)}*.zarr")):
            attributes = identity_of(storage.open_group(found, mode="r")) if storage.is_trace(found) else {}
            fitting = {**identity, "features": how.features or attributes.get("features")}  # more of them do no harm
            if all(attributes.get(name) == value for name, value in fitting.items()):
                path, identity = found, fitting
                break
        how = replace(how, features=identity["features"])
        record_at = partial(record, self.model, self.data, self.split, how=how, name=self.name, identity=identity)
        try:
            return OpenTrace(path, record_at(path))
        except OtherTrace:  # it may still be of use, so it is kept, and a new name is found
            suffix = f"-{identity['weights_sha256'][:6]}{identity['data_sha256'][:6]}-{how.precision}"
            path = path.with_stem(path.stem + suffix + "-features" * how.features)
            return OpenTrace(path, record_at(path))

    @property
    def path(self) -> Path:
        """Where the trace of this network and these images is."""
        return self.traces / f"{self.data.name}-{self.split}.zarr"

    def path_under(self, conditions: Conditions) -> Path:
        """Where its trace under conditions is, whose name says what they are."""
        return self.path.with_stem(conditions.named(self.path.stem, self.model.num_steps))

    def results(self, conditions: Conditions) -> Path:
        """The folder for results under conditions."""
        return results_folder(self.path_under(conditions))
