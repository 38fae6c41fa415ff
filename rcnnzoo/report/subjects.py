"""What a report is about: networks, each with the traces of its members on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from rcnnzoo.analysis.traces import check_same_images
from rcnnzoo.architectures.card import Card
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.references import Reference
from rcnnzoo.runs.folder import Run
from rcnnzoo.subjects import OpenTrace
from rcnnzoo.traces import traces_of, traces_of_members
from rcnnzoo.weights.files import read_header


@dataclass(frozen=True)
class Member:
    """One trained network.

    Attributes:
        reference: What a user typed for it.
        opened: Its trace.
    """

    reference: Reference
    opened: OpenTrace

    @property
    def run(self) -> Run | None:
        """Its run; None if it is a trace or a weight file."""
        if self.reference.is_trace or self.reference.config is None:
            return None
        return Run(self.reference.config.parent)

    @cached_property
    def card(self) -> Card | None:
        """What its weights say; None of a trace, or of a network that isn't trained."""
        if self.reference.is_trace or self.reference.weights is None:
            return None
        return Card.from_dict(read_header(self.reference.weights)[0])


@dataclass(frozen=True)
class Subjects:
    """Networks of a report.

    Attributes:
        networks: Members by seed, by name; a single network has one, whatever its seed.
    """

    networks: Mapping[str, Mapping[int, Member]]

    @property
    def several(self) -> bool:
        """Whether intervals are over seeds: all networks have two seeds or more in common."""
        return len(self.shared) > 1

    @property
    def shared(self) -> list[int]:
        """Seeds that all networks have."""
        first, *others = (set(members) for members in self.networks.values())
        return sorted(first.intersection(*others))

    @property
    def traces(self) -> dict[str, dict[int, OpenTrace]]:
        """Of each member."""
        return {name: {seed: one.opened for seed, one in of.items()} for name, of in self.networks.items()}

    @property
    def firsts(self) -> dict[str, OpenTrace]:
        """The trace of the first member of each network."""
        return {name: next(iter(members.values())) for name, members in self.traces.items()}

    @property
    def images(self) -> xr.Dataset:
        """A trace of the images that all were shown."""
        return next(iter(self.firsts.values())).trace


def open_subjects(
    typed: Sequence[str], data: str | None = None, data_dir: Path | None = None, split: str | None = None
) -> Subjects:
    """The networks that a user means, traced unless they were before.

    Raises:
        OptionError: A network was named twice, or images as well as a trace.
        WeightsError: There is no such network, or it is not finished.
        TraceError: A trace can't be used, or they are of different images.
    """
    networks: dict[str, dict[int, Member]] = {}
    folders = [text for text in typed if Reference(text).members]
    singles = [text for text in typed if text not in folders]
    given: dict[str, Any] = {"data": data, "data_dir": data_dir, "split": split}
    found = traces_of_members(folders, **given, how=Recording()) if folders else {}
    by_text = dict(zip(folders, found.items(), strict=True))
    alone = traces_of(singles, **given, how=Recording()) if singles else {}
    by_text_alone = dict(zip(singles, alone.items(), strict=True))
    for text in typed:  # in the order in which they were named
        if text in by_text:
            name, members = by_text[text]
            references = Reference(text).members
            networks[name] = {seed: Member(references[seed], opened) for seed, opened in members.items()}
        else:
            name, opened = by_text_alone[text]
            networks[name] = {0: Member(Reference(text), opened)}
    subjects = Subjects(networks)
    check_same_images(
        {f"{name} seed {seed}": opened.trace for name, of in subjects.traces.items() for seed, opened in of.items()}
    )
    return subjects
