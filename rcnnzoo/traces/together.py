"""Several networks beside each other, on the same images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from rcnnzoo.errors import OptionError, TraceError
from rcnnzoo.traces import storage
from rcnnzoo.traces.finding import find_trace
from rcnnzoo.traces.recording import Recording


def find_together(
    models: Sequence[str],
    data: str | None = None,
    data_dir: Path | None = None,
    split: str | None = None,
    *,
    seed: int = 0,
    how: Recording,
) -> dict[str, Path]:
    """The trace of each MODEL|TRACE, as `find_trace`, by a name that is its alone.

    A network goes by its trace's name; those that share one go by what was typed for them.

    Raises:
        OptionError: A network was named twice, or images beside a trace.
        TraceError: A trace can't be used.
    """
    paths = [find_trace(model, data, data_dir, split, seed=seed, how=how) for model in models]
    for number, path in enumerate(paths):
        if path.resolve() in (other.resolve() for other in paths[:number]):
            raise OptionError(f"{models[number]} is named twice: name each network once")
    names = [storage.open_group(path, mode="r").attrs["name"] for path in paths]
    shared = {name for name, count in Counter(names).items() if count > 1}
    shown = [typed if name in shared else name for name, typed in zip(names, models, strict=True)]
    if len(set(shown)) < len(shown):  # a network's name is what was typed for another one
        shown = list(models)
    return dict(zip(shown, paths, strict=True))


def check_same_images(traces: Mapping[str, xr.Dataset]) -> None:
    """Refuse to set networks beside each other that saw different images, or other categories.

    Raises:
        TraceError: They did; the message names the first two.
    """
    (name, first), *others = traces.items()
    for other, trace in others:
        for what in ("file", "label", "category"):
            if first[what].to_numpy().tolist() != trace[what].to_numpy().tolist():
                pair = f"{_of(name, first)} and {_of(other, trace)}"
                raise TraceError(f"{pair} saw different images: trace both with the same --data and --split")


def _of(name: str, trace: xr.Dataset) -> str:
    """A name, with the images it saw where that is known."""
    images = " ".join(trace.attrs[key] for key in ("data", "split") if key in trace.attrs)
    return f"{name} ({images})" if images else name
