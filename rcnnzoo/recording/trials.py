"""Recording a network on trials in which images follow one another: a trace with a row per trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from torch import Tensor

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.images import prepare
from rcnnzoo.data.sequences import BLANK, NOISE, Item, Sequences
from rcnnzoo.data.splits import UNKNOWN
from rcnnzoo.data.transforms import to_input
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.devices import autocast, best_device
from rcnnzoo.engine.programme import generator_of, noise
from rcnnzoo.engine.sequences import ENDED, SequenceUnrolling
from rcnnzoo.errors import OptionError
from rcnnzoo.processes import count
from rcnnzoo.progress import progress
from rcnnzoo.recording import storage
from rcnnzoo.recording.blocks import TRACE, Block, about_network, computer, note_computer, own_blocks, recorded
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.weights.files import weights_hash
from rcnnzoo.writing import naming_the_file

SPLIT = "sequences"
"""What stands in place of a split."""


def identify_sequences(model: RecurrentModel, sequences: Sequences, how: Recording) -> dict[str, Any]:
    """What identifies a trace of sequences: weights, all that is shown, and how the network was run on it.

    Raises:
        OptionError: The network can't be run like this, or a programme is given as well.
        UnknownName: A lesion's pattern means no module.
    """
    conditions = how.conditions
    for field in ("stimulus", "steps"):
        if getattr(conditions, field) is not None:
            raise OptionError(
                f"`{field}` can't be combined with `sequences`: that file says what is shown for how long"
            )
    conditions.on_sequences(model, sequences.steps, sequences.changes)  # what can't be run is refused at once
    return {
        "weights_sha256": weights_hash(model),
        "data": sequences.file.stem,
        "split": SPLIT,
        "data_sha256": sequences.fingerprint(),
        "image_size": card_of(model).image_size,
        "precision": how.precision,
        "features": how.features,
        "stimulus": None,
        "stimulus_pictures": {},
        "stimulus_seed": conditions.seed if sequences.has_noise else None,
        "norm_step": conditions.norm_step,
        "lesions": list(conditions.lesions),
    }


def record_sequences(
    model: RecurrentModel, sequences: Sequences, path: Path, how: Recording, *, name: str = ""
) -> xr.Dataset:
    """Write a trace of sequences, or continue an interrupted one, and open it; a finished one stays as it is.

    Its arrays are `logits[trial, step, category]`, NaN after a trial's end, and for each trial and step what is `shown`
    (a file, `blank`, `noise`, or nothing after the end), its `position` (from 1; 0 after the end), its `label` (-1
    where it has none), `target` where the file says which items are targets (1 or 0; -1 after the end), and `macs`.

    Args:
        model: The network.
        sequences: What is shown.
        path: The trace's folder.
        how: Batch size (trials at once), precision and the like.
        name: Name of the network, for tables and figures.

    Raises:
        TraceError: The folder already holds something else.
        OptionError: The network has no card, or can't be run like this.
        UnknownName: The file names a category that the network doesn't have, or a lesion's pattern means no module.
        DataError: An image can't be read.
        NetworkError: The network's output is not finite; what was recorded before stays.
    """
    identity = identify_sequences(model, sequences, how)

    def write() -> None:
        attributes = {**identity, **about_network(model, name), "trained_on": None, "image_onset": 1}
        _write(model, sequences, path, how, attributes)

    return recorded(path, identity, write, TRACE)


def _write(model: RecurrentModel, sequences: Sequences, path: Path, how: Recording, attributes: dict[str, Any]) -> None:
    """Record the missing part of a trace."""
    categories = card_of(model).categories
    labels = sequences.labels(categories)
    device = best_device()
    model = model.to(device).to(memory_format=torch.channels_last).eval()
    unrolling = how.conditions.on_sequences(model, sequences.steps, sequences.changes)
    pictures = _Pictures(sequences, unrolling, how)
    counts = pictures.feature_counts(device)
    now = computer(unrolling.network, device)
    if not path.exists():
        known = _known(sequences, labels, unrolling)
        with naming_the_file(path):
            storage.create(
                path,
                storage.TRIAL,
                sequences.steps,
                categories,
                known,
                counts,
                {**attributes, "computed_on": [now]},
            )
    group = storage.open_group(path, mode="r+")
    note_computer(group, now, path)
    todo = own_blocks(group)
    own = sum(stop - start for start, stop in todo)
    total = len(sequences.trials) if count() == 1 else own
    with progress(f"tracing {sequences.file.stem}", total, total - own) as advance:
        for start, stop, batches in pictures.blocks(todo):
            block = Block(group, start, stop, empty=np.nan)
            for rows, images, places in batches:
                pictures.run(block, rows, images.to(device), places.to(device), device)
                advance(len(rows))
            with naming_the_file(path):
                block.write()


def _known(
    sequences: Sequences, labels: Sequence[Sequence[int]], unrolling: SequenceUnrolling
) -> dict[str, npt.ArrayLike]:
    """The arrays that are known before the network is run."""
    trials = list(sequences.trials.values())
    position = sequences.by_step([range(1, len(items) + 1) for items in trials], 0)
    shown = np.full(position.shape, "", dtype=object)
    for row, items in zip(shown, trials, strict=True):
        names = [item.image for item in items for _ in range(item.steps)]
        row[: len(names)] = names
    known: dict[str, npt.ArrayLike] = {
        "trial": list(sequences.trials),
        "shown": shown,
        "position": position,
        "label": sequences.by_step(labels, UNKNOWN),
        "macs": unrolling.macs(torch.from_numpy(sequences.by_step(_drives(trials), ENDED))).numpy(),
    }
    if sequences.has_targets:
        known["target"] = sequences.by_step([[int(bool(item.target)) for item in items] for items in trials], -1)
    return known


def _drives(trials: Sequence[Sequence[Item]]) -> list[list[int]]:
    """A number for each item of each trial, the same where the same file follows itself, which changes nothing."""
    numbers = []
    for items in trials:
        new = [item.image != before.image or not item.is_file for before, item in pairwise(items)]
        numbers.append([0, *np.cumsum(new).tolist()])
    return numbers


@dataclass(frozen=True)
class _Pictures:
    """What is shown, as networks take it, batch by batch."""

    sequences: Sequences
    unrolling: SequenceUnrolling
    how: Recording

    @property
    def size(self) -> int:
        return card_of(self.unrolling.network).image_size

    def blocks(
        self, todo: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[int, int, Iterator[tuple[npt.NDArray[np.int64], Tensor, Tensor]]]]:
        """First trial, and the one after the last, of each block, with its batches.

        A batch is numbers of trials in the block [B], images [P, 3, S, S] and the place of what is shown [B, T].
        """
        trials, files = list(self.sequences.trials.items()), self.sequences.files
        index = {file: place for place, file in enumerate(files)}
        parts = [
            slice(first, min(first + self.how.batch_size, stop))
            for start, stop in todo
            for first in range(start, stop, self.how.batch_size)
        ]
        plan = [
            sorted({index[item.image] for _, items in trials[part] for item in items if item.is_file}) for part in parts
        ]
        pixels = self._pixels(plan)
        upcoming = zip(parts, plan, strict=True)

        def batches(start: int, stop: int) -> Iterator[tuple[npt.NDArray[np.int64], Tensor, Tensor]]:
            for _ in range(start, stop, self.how.batch_size):
                part, chosen = next(upcoming)
                own = {files[place]: number for number, place in enumerate(chosen)}
                images, places = self._frames(trials[part], next(pixels) if chosen else None, own)
                yield np.arange(part.start, part.stop) - start, images, places

        for start, stop in todo:
            yield start, stop, batches(start, stop)

    def _pixels(self, plan: Sequence[list[int]]) -> Iterator[Tensor]:
        """The image files of each batch that has any.

        Raises:
            DataError: One can't be read.
        """
        wanted = [chosen for chosen in plan if chosen]
        if not wanted:
            return
        unreadable = Unreadable(0)
        images = prepare(self.sequences.images(), self.size, unreadable, self.how.workers)
        for batch in images.evaluation(wanted):
            unreadable.see(batch.faults, batch.remarks)
            yield to_input(batch.images)

    def _frames(
        self, trials: Sequence[tuple[str, Sequence[Item]]], files: Tensor | None, own: dict[str, int]
    ) -> tuple[Tensor, Tensor]:
        """What these trials show [P, 3, S, S], and where each step finds it [B, T]."""
        blank = torch.zeros(3, self.size, self.size)
        more: list[Tensor] = [] if files is None else [*files]
        places = torch.full((len(trials), self.sequences.steps), ENDED)
        for row, (name, items) in zip(places, trials, strict=True):
            start = 0
            for position, item in enumerate(items):
                place = own.get(item.image, len(more))
                if item.image == BLANK:
                    more.append(blank)
                elif item.image == NOISE:
                    more.append(noise(blank, generator_of(self.how.conditions.seed, name, position)))
                row[start : start + item.steps] = place
                start += item.steps
        return torch.stack(more), places

    def feature_counts(self, device: torch.device) -> list[int]:
        """Number of inputs of each step's classifier, none unless they are recorded, from a pass of a grey image."""
        blank = torch.zeros(1, 3, self.size, self.size, device=device)
        with torch.inference_mode(), autocast(device, self.how.precision):
            states = self.unrolling.steps(blank, torch.zeros(1, self.sequences.steps, dtype=torch.long, device=device))
            if not self.how.features:
                next(states)
                return []
            return [self.unrolling.network.features(state).shape[1] for state, _ in states]

    def run(
        self,
        block: Block,
        rows: npt.NDArray[np.int64],
        images: Tensor,
        places: Tensor,
        device: torch.device,
    ) -> None:
        """Fill a block's rows of a batch.

        Raises:
            NetworkError: The network gave values that are not finite.
        """
        names = [f"trial {name}" for name in np.array(list(self.sequences.trials))[rows + block.start]]
        with torch.inference_mode(), autocast(device, self.how.precision):
            for t, (state, logits) in enumerate(self.unrolling.steps(images, places)):
                running = (places[:, t] != ENDED).cpu().numpy().nonzero()[0]
                seen = self.unrolling.network.features(state) if self.how.features else None
                block.fill(rows[running], t + 1, logits, seen, [names[row] for row in running])
