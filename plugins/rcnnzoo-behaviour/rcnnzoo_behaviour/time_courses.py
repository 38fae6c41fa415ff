"""From what users type to time courses: networks are traced on people's images, and classifiers fitted to them."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import xarray as xr

from rcnnzoo.plugin import (
    PLAIN,
    Conditions,
    OptionError,
    RcnnzooWarning,
    Recording,
    RecurrentModel,
    Reference,
    Split,
    TraceError,
    atomic_write,
    card_of,
    conditions_of,
    file_name,
    fingerprint,
    progress,
    trace_of,
    weights_hash,
)
from rcnnzoo_behaviour.animacy import accumulate, cross_fit, features_of, fit_elsewhere
from rcnnzoo_behaviour.entries import Entry, TimeCourses
from rcnnzoo_behaviour.fitting import Floats, Integers
from rcnnzoo_behaviour.human import People
from rcnnzoo_behaviour.stimuli import is_animate, open_network, random_twin, stimuli, trace_stimuli

BETWEEN = ","
"""Between training seeds of a network that make one entry."""
VERSION = 4
"""Of how classifiers are fitted and kept: what another one gave is computed again."""
UNFINISHED = ".unfinished-"
"""How folders of what is of no use once it is computed begin."""


@dataclass(frozen=True)
class NamedNetwork:
    """A network or trace that a user named, opened before anything is computed.

    Attributes:
        name: What tables call it; no other has that name.
        file_name: What its files are called.
        weights: Hash of its weights.
        steps: T.
        onset: The time step, from 1, at which the image is first shown; None if it never is.
        model: The network, unless only its trace is at hand.
        trace: Of people's images in their order, if one was named.
    """

    name: str
    file_name: str
    weights: str
    steps: int
    onset: int | None = 1
    model: RecurrentModel | None = None
    trace: xr.Dataset | None = None


@dataclass(frozen=True)
class AnimacyPipeline:
    """How networks come to tell animate from inanimate on people's images, step by step.

    Attributes:
        people: What people did.
        folder: Where the images lie.
        out: Where traces and log odds are kept.
        readout: From logits to probabilities.
        folds: Of the classifiers' cross-fitting.
        seed: Of these folds.
        random: How many randomly initialised networks stand beside each.
        elsewhere: Images to fit the classifiers to, in place of cross-fitting; they are shown likewise.
        conditions: What networks are shown, for how many time steps, and what is cut.
    """

    people: People
    folder: Path
    out: Path
    readout: str
    folds: int
    seed: int
    random: int
    elsewhere: Split | None = None
    conditions: Conditions = PLAIN

    @property
    def files(self) -> list[str]:
        """The images' names, in order."""
        return self.people.images["image"].tolist()

    @property
    def animate(self) -> Integers:
        """1 or 0 for each image."""
        return self.people.images["animate"].to_numpy(dtype=np.int64)

    def open(self, texts: Sequence[str]) -> list[list[NamedNetwork]]:
        """All that a user named, each a MODEL or TRACE or several training seeds joined by commas; nothing is traced.

        Raises:
            OptionError: Networks can't make an entry or be run under these conditions, or one was named twice.
            TraceError: A trace is without features, or of other images.
            WeightsError: There is no such network.
            UnknownName: There is no such architecture.
        """
        seen: dict[str, str] = {}
        names: list[str] = []
        entries = []
        for text in texts:
            parts = text.split(BETWEEN)
            if not all(parts):
                raise OptionError(f"{text!r}: there is no network before or after a comma; name one there")
            parts = [one for part in parts for one in _members(part)]
            networks = [self._open(part, names) for part in parts]
            for network, part in zip(networks, parts, strict=True):
                if network.weights in seen:
                    raise OptionError(f"{part}: the same network as {seen[network.weights]}; name each once")
                seen[network.weights] = part
            if len({network.steps for network in networks}) > 1:
                raise OptionError(f"{text}: networks joined by commas must have the same number of time steps")
            entries.append(networks)
        return entries

    def _open(self, text: str, names: list[str]) -> NamedNetwork:
        if not Reference(text).is_trace:
            model, name = open_network(text, self.folder, self.files, self.conditions)
            steps = self.conditions.on(model).network.num_steps
            onset = self.conditions.programme(model.num_steps).image_onset
            return NamedNetwork(_unused(name, names), file_name(name), weights_hash(model), steps, onset, model)
        if self.elsewhere is not None:
            raise OptionError(f"{text}: a trace; with `classifier_images` name its network, which must see these too")
        trace = trace_of(text, how=Recording(conditions=self.conditions)).trace
        name = str(trace.attrs["name"])
        weights, steps = str(trace.attrs["weights_sha256"]), trace.sizes["step"]
        in_order, onset = self._in_order(trace, text), trace.attrs.get("image_onset", 1)
        return NamedNetwork(_unused(name, names), file_name(name), weights, steps, onset, trace=in_order)

    def entry(self, networks: Sequence[NamedNetwork]) -> Entry:
        """Time courses of networks that make one entry, and of random ones beside the first."""
        members = [self._time_courses(network) for network in networks]
        model = next((network for network in networks if network.model), None)
        random = [] if model is None else self._random(model)
        return Entry(name_together([member.name for member in members]), members, random)

    def _in_order(self, trace: xr.Dataset, path: str) -> xr.Dataset:
        """A trace's images in the order of people's."""
        if "features_1" not in trace:
            raise TraceError(f"{path}: holds no features; record it again with `rcnnzoo trace --features`")
        places = {str(name): place for place, name in enumerate(trace["file"].values)}
        missing = [name for name in self.files if name not in places]
        if missing:
            raise TraceError(
                f"{path}: {len(missing)} of {len(self.files)} images are not in it, for example {missing[0]}"
            )
        return trace.isel(image=[places[name] for name in self.files])

    def _time_courses(self, network: NamedNetwork) -> TimeCourses:
        trace = network.trace
        if trace is None:
            assert network.model is not None
            traces = self.out / "traces" / f"{network.file_name}-{network.weights[:8]}"
            trace = trace_stimuli(network.model, network.file_name, self.folder, self.files, traces, self.conditions)
        what = {name: trace.attrs[name] for name in ("weights_sha256", "data_sha256", "precision")}
        what |= {name: trace.attrs.get(name) for name in PLAIN.identity(network.steps)}
        odds = self._log_odds(network.file_name, what, lambda: self._fit(network.name, trace, network.model))
        probabilities, entropies = accumulate(odds, self.readout)
        right = ((odds > 0) == (self.animate[:, None] == 1)).mean(axis=0)
        return TimeCourses(
            network.name, entropies, probabilities, right, _about(trace), conditions_of(trace), network.onset or 1
        )

    def _random(self, beside: NamedNetwork) -> list[Floats]:
        """Entropies [N, T] of randomly initialised networks; their traces, large and of no more use, go."""
        model = beside.model
        assert model is not None
        card = card_of(model)
        what = {"architecture": card.architecture, "options": dict(card.options), "categories": list(card.categories)}
        what |= self.conditions.identity(model.num_steps)
        what["data_sha256"] = fingerprint(stimuli(self.folder, self.files, card.categories))

        def compute(name: str, seed: int) -> Floats:
            twin = random_twin(model, self.folder, self.files, seed)
            with tempfile.TemporaryDirectory(dir=self.out, prefix=UNFINISHED) as place:
                trace = trace_stimuli(twin, name, self.folder, self.files, Path(place), self.conditions)
                return self._fit(name, trace, twin)

        entropies = []
        for seed in range(self.random):
            name = f"{beside.file_name}-random{seed}"
            odds = self._log_odds(name, {**what, "random": seed}, partial(compute, name, seed))
            entropies.append(accumulate(odds, self.readout)[1])
        return entropies

    def _log_odds(self, name: str, what: Mapping[str, Any], compute: Callable[[], Floats]) -> Floats:
        """The classifiers' answers, kept beside the traces: they depend on neither people's doubts nor the readout."""
        judged = [self.files, self.animate.tolist(), self.people.category.tolist()]
        everything = {
            **what,
            "classifiers": VERSION,
            "judged": hashlib.sha256(json.dumps(judged).encode()).hexdigest(),
            "folds": self.folds,
            "seed": self.seed,
            "elsewhere": None if self.elsewhere is None else fingerprint(self.elsewhere),
        }
        key = json.dumps(everything, sort_keys=True)
        file = self.out / "classifiers" / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.safetensors"
        if file.is_file():
            kept = read_log_odds(file, key, len(self.files))
            if kept is not None:
                return kept
            message = f"{file}: is damaged, or of something else; what it held is computed again"
            warnings.warn(message, RcnnzooWarning, stacklevel=2)
        odds = compute()
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as temporary:
            metadata = {"of": key, "sha256": _hash(odds)}
            temporary.write_bytes(safetensors.numpy.save({"log_odds": odds}, metadata=metadata))
        return odds

    def _fit(self, name: str, trace: xr.Dataset, model: RecurrentModel | None) -> Floats:
        features = features_of(trace)
        if self.elsewhere is None:
            with progress(f"{name}: animacy classifiers", len(features) * self.folds) as advance:
                return cross_fit(features, self.animate, self.people.category, self.folds, self.seed, advance)
        assert model is not None  # `_open` saw to it
        with tempfile.TemporaryDirectory(dir=self.out, prefix=UNFINISHED) as place:
            folder, files = Path(self.elsewhere.folder), self.elsewhere.files
            training = features_of(trace_stimuli(model, name, folder, files, Path(place), self.conditions))
        with progress(f"{name}: animacy classifiers", len(features)) as advance:
            return fit_elsewhere(training, is_animate(self.elsewhere), features, self.seed, advance)


def read_log_odds(file: Path, key: str, images: int) -> Floats | None:
    """Kept log odds [N, T]; None unless they are of this, and as they were written."""
    try:
        with safetensors.safe_open(file, framework="numpy") as opened:
            metadata = opened.metadata() or {}
            odds: Floats = opened.get_tensor("log_odds")
    except Exception:  # a damaged file fails in many ways
        return None
    fits = odds.ndim == 2 and len(odds) == images and odds.dtype == np.float64 and bool(np.isfinite(odds).all())
    return odds if fits and metadata == {"of": key, "sha256": _hash(odds)} else None


def _hash(odds: Floats) -> str:
    return hashlib.sha256(np.ascontiguousarray(odds).tobytes()).hexdigest()


def _about(trace: xr.Dataset) -> str:
    """What a network is: architecture, options, time steps, training data."""
    attributes = trace.attrs
    options = [f"{name.replace('_', ' ')} {value:g}" for name, value in dict(attributes.get("options", {})).items()]
    data = attributes.get("training_data", "not recorded")
    trained = "untrained" if data is None else f"training data: {data}"
    architecture = str(attributes.get("architecture", "unknown architecture"))
    return f"{', '.join([architecture, *options])} ({trained})"


def _members(text: str) -> list[str]:
    """What a user could have typed for each network of a folder of several seeds; a single network as it is."""
    return [member.text for member in Reference(text).members.values()] or [text]


def check_onsets(entries: Sequence[Sequence[NamedNetwork]], *, since_onset: bool) -> None:
    """Refuse to count time from the onset of images that are never shown.

    Raises:
        OptionError: That is asked for.
    """
    for network in (network for networks in entries for network in networks):
        if since_onset and network.onset is None:
            raise OptionError(f"`since_onset`: {network.name} is never shown the images")


def remove_unfinished(folder: Path) -> None:
    """Remove what commands that were killed left in a folder; nobody else may be working there."""
    for left in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)


def _unused(name: str, names: list[str]) -> str:
    """The name, with a number if it is among `names` already, to which it is added."""
    number, unused = 1, name
    while unused in names:
        number += 1
        unused = f"{name} ({number})"
    names.append(unused)
    return unused


def name_together(names: Sequence[str]) -> str:
    """What networks that make one entry are called: members of a folder by its name, others by the first.

    >>> name_together(["bl-seed0", "bl-seed1"]), name_together(["bl", "other"]), name_together(["bl-seed0"])
    ('bl', 'bl and 1 more', 'bl-seed0')
    """
    if len(names) == 1:
        return names[0]
    folders = {folder for folder, _, number in (name.rpartition("-seed") for name in names) if number.isdigit()}
    is_one_folder = len(folders) == 1 and all(name.startswith(f"{next(iter(folders))}-seed") for name in names)
    return next(iter(folders)) if is_one_folder else f"{names[0]} and {len(names) - 1} more"
