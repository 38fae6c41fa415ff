"""From what users type to tables: networks are traced, classifiers fitted, and the analysis run."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
import xarray as xr

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.folders import read_class_folders
from rcnnzoo.errors import DataError, OptionError, TraceError
from rcnnzoo.progress import progress
from rcnnzoo.traces.opening import open_trace
from rcnnzoo.traces.storage import is_trace
from rcnnzoo.writing import whole
from rcnnzoo_behaviour.animacy import accumulate, cross_fit, features_of, fit_elsewhere
from rcnnzoo_behaviour.entries import Entry, Network
from rcnnzoo_behaviour.fitting import Floats, Integers
from rcnnzoo_behaviour.human import People
from rcnnzoo_behaviour.stimuli import open_network, random_twin, trace_stimuli

KINDS = ("animate", "inanimate")
BETWEEN = ","
"""Between training seeds of a network that make one entry."""


@dataclass(frozen=True)
class Judges:
    """How networks come to judge people's images.

    Attributes:
        people: What people did.
        folder: Where the images lie.
        out: Where traces and log odds are kept.
        readout: From logits to probabilities.
        folds: Of the classifiers' cross-fitting.
        seed: Of these folds.
        random: How many randomly initialised networks stand beside each.
        elsewhere: Folder with `animate/` and `inanimate/` images to fit the classifiers to, in place of cross-fitting.
    """

    people: People
    folder: Path
    out: Path
    readout: str
    folds: int
    seed: int
    random: int
    elsewhere: Path | None = None

    @property
    def files(self) -> list[str]:
        """The images' names, in order."""
        return self.people.images["image"].tolist()

    @property
    def animate(self) -> Integers:
        """1 or 0 for each image."""
        return self.people.images["animate"].to_numpy(dtype=np.int64)

    @property
    def elsewhere_count(self) -> int | None:
        """How many images the classifiers are fitted to, if not to people's."""
        return None if self.elsewhere is None else len(read_class_folders(self.elsewhere))

    def entry(self, text: str) -> Entry:
        """The entry that a user means by MODEL or TRACE, or by several training seeds joined by commas.

        Raises:
            TraceError: A trace is without features, or of other images.
            DataError: An image can't be read.
        """
        members: list[Network] = []
        random: list[Floats] = []
        for part in text.split(BETWEEN):
            if is_trace(Path(part)):
                trace = open_trace(part)
                members.append(self._judge(str(trace.attrs["name"]), self._in_order(trace, part), None))
                continue
            model, name = open_network(part, self.folder, self.files)
            path = trace_stimuli(model, name, self.folder, self.files, self.out / "traces")
            members.append(self._judge(name, open_trace(path), model))
            if not random:
                random = [self._random(model, name, seed) for seed in range(self.random)]
        if len(members) > 1 and len({member.entropies.shape for member in members}) > 1:
            raise OptionError(f"{text}: networks of one entry must have equally many time steps")
        names = [member.name for member in members]
        name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        return Entry(name, members, random)

    def _in_order(self, trace: xr.Dataset, path: str) -> xr.Dataset:
        """A trace's images in the order of people's."""
        if "features_1" not in trace:
            raise TraceError(f"{path}: holds no features; record it again with `rcnnzoo trace --features`")
        places = {str(name): place for place, name in enumerate(trace["file"].values)}
        missing = [name for name in self.files if name not in places]
        if missing:
            raise TraceError(f"{path}: {len(missing)} of {len(self.files)} images are not in it, {missing[0]} for one")
        return trace.isel(image=[places[name] for name in self.files])

    def _judge(self, name: str, trace: xr.Dataset, model: RecurrentModel | None) -> Network:
        odds = self._log_odds(name, trace, model)
        probabilities, entropies = accumulate(odds, self.readout)
        return Network(name, entropies, probabilities)

    def _log_odds(self, name: str, trace: xr.Dataset, model: RecurrentModel | None) -> Floats:
        """The classifiers' answers, kept beside the trace: they depend on neither people's doubts nor the readout."""
        category = self.people.category
        what = {
            "weights": trace.attrs["weights_sha256"],
            "images": trace.attrs["data_sha256"],
            "precision": trace.attrs["precision"],
            "judged": hashlib.sha256(
                json.dumps([self.files, self.animate.tolist(), category.tolist()]).encode()
            ).hexdigest(),
            "folds": self.folds,
            "seed": self.seed,
            "elsewhere": str(self.elsewhere),
        }
        key = json.dumps(what, sort_keys=True)
        file = self.out / "classifiers" / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.safetensors"
        if file.is_file():
            with safetensors.safe_open(file, framework="numpy") as opened:
                if (opened.metadata() or {}).get("of") == key:
                    kept: Floats = opened.get_tensor("log_odds")
                    return kept
        odds = self._fit(name, trace, model)
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as temporary:
            temporary.write_bytes(safetensors.numpy.save({"log_odds": odds}, metadata={"of": key}))
        return odds

    def _fit(self, name: str, trace: xr.Dataset, model: RecurrentModel | None) -> Floats:
        features = features_of(trace)
        if self.elsewhere is None:
            with progress(f"{name}: animacy classifiers", len(features) * self.folds) as advance:
                return cross_fit(features, self.animate, self.people.category, self.folds, self.seed, advance)
        if model is None:
            raise OptionError(f"{name} is a trace; with --classifier-images name its network, which must see these too")
        split = read_class_folders(self.elsewhere)
        if split.categories != KINDS:
            raise DataError(
                f"{self.elsewhere}: holds {', '.join(split.categories)}; give folders animate and inanimate"
            )
        with tempfile.TemporaryDirectory(dir=self.out) as place:
            seen = open_trace(trace_stimuli(model, name, self.elsewhere, split.files, Path(place)))
            training, labels = features_of(seen), (split.labels == KINDS.index("animate")).astype(np.int64)
        with progress(f"{name}: animacy classifiers", len(features)) as advance:
            return fit_elsewhere(training, labels, features, self.seed, advance)

    def _random(self, model: RecurrentModel, name: str, seed: int) -> Floats:
        """Entropies [N, T] of a randomly initialised network; its trace, large and of no further use, is not kept."""
        twin = random_twin(model, self.folder, self.files, seed)
        with tempfile.TemporaryDirectory(dir=self.out) as place:
            trace = open_trace(trace_stimuli(twin, f"{name}-random{seed}", self.folder, self.files, Path(place)))
            return self._judge(f"{name}-random{seed}", trace, twin).entropies


def check_names(entries: Sequence[Entry]) -> list[Entry]:
    """Entries whose names differ: a second of a name gets a number."""
    seen: dict[str, int] = {}
    unique = []
    for entry in entries:
        seen[entry.name] = seen.get(entry.name, 0) + 1
        number = seen[entry.name]
        unique.append(entry if number == 1 else Entry(f"{entry.name} ({number})", entry.members, entry.random))
    return unique
