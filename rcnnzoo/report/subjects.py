"""What a report is about: networks, each with the traces of its members on the same images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from rcnnzoo.analysis.traces import check_same_images
from rcnnzoo.architectures.card import Card
from rcnnzoo.errors import OptionError
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.references import Reference
from rcnnzoo.results.seeds import labelled
from rcnnzoo.runs.folder import Run
from rcnnzoo.subjects import OpenTrace
from rcnnzoo.traces import told_apart, traces_of, traces_of_members
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

    @property
    def seed(self) -> int | None:
        """The seed that it was trained with; None if it isn't known."""
        seed = (self.card.training or {}).get("seed") if self.card is not None else None
        return seed if isinstance(seed, int) else None

    @cached_property
    def card(self) -> Card | None:
        """What its weights say; None of a trace, or of a network that isn't trained."""
        if self.reference.is_trace or self.reference.weights is None:
            return None
        return Card.from_dict(read_header(self.reference.weights)[0])


@dataclass(frozen=True)
class Subjects:
    """Networks of a report, which have the same seeds, or one member each.

    Attributes:
        networks: Members by seed, by name; a single network has one, numbered 0 where its seed isn't known.
        left_out: Seeds of members that are not looked at, as other networks lack them, by name.
    """

    networks: Mapping[str, Mapping[int, Member]]
    left_out: Mapping[str, Sequence[int]]

    @property
    def seeds(self) -> list[int]:
        """Of each network; intervals are over them if there are several."""
        return list(next(iter(self.networks.values())))

    @property
    def several(self) -> bool:
        """Whether intervals are over seeds, rather than over images."""
        return len(self.seeds) > 1

    @cached_property
    def traces(self) -> dict[str, dict[int, OpenTrace]]:
        """Of each member."""
        return {name: {seed: one.opened for seed, one in of.items()} for name, of in self.networks.items()}

    @cached_property
    def firsts(self) -> dict[str, OpenTrace]:
        """The trace of the first member of each network."""
        return {name: next(iter(members.values())) for name, members in self.traces.items()}

    @property
    def images(self) -> xr.Dataset:
        """A trace of the images that all were shown."""
        return next(iter(self.firsts.values())).trace

    @cached_property
    def by_architecture(self) -> dict[str, str]:
        """The first network of each architecture."""
        names: dict[str, str] = {}
        for name, opened in self.firsts.items():
            names.setdefault(str(opened.trace.attrs.get("architecture")), name)
        return names


def alike(networks: Mapping[str, Mapping[int, Member]]) -> Subjects:
    """Networks with the members that can be compared: those of seeds that all have, if there are two or more.

    Otherwise the first member of each is taken.
    """
    first, *others = (set(members) for members in networks.values())
    shared = sorted(first.intersection(*others))
    chosen = {
        name: {seed: members[seed] for seed in (shared if len(shared) > 1 else list(members)[:1])}
        for name, members in networks.items()
    }
    left_out = {name: [seed for seed in members if seed not in chosen[name]] for name, members in networks.items()}
    return Subjects(chosen, {name: seeds for name, seeds in left_out.items() if seeds})


def open_subjects(
    typed: Sequence[str], data: str | None = None, data_dir: Path | None = None, split: str | None = None
) -> Subjects:
    """The networks that a user means, traced unless they were before.

    Raises:
        OptionError: A network was named twice, or images as well as a trace.
        WeightsError: There is no such network, or it is not finished.
        TraceError: A trace can't be used, or they are of different images.
    """
    given: dict[str, Any] = {"data": data, "data_dir": data_dir, "split": split, "how": Recording()}
    found: list[tuple[str, dict[int, Member]]] = []
    for text in typed:
        if references := Reference(text).members:
            ((name, traces),) = traces_of_members([text], **given).items()
            found.append((name, {seed: Member(references[seed], opened) for seed, opened in traces.items()}))
        else:
            ((name, opened),) = traces_of([text], **given).items()
            member = Member(Reference(text), opened)
            found.append((name, {member.seed or 0: member}))
    places = [member.opened.path.resolve() for _, members in found for member in members.values()]
    if twice := [place for place, count in Counter(places).items() if count > 1]:
        raise OptionError(f"{twice[0]}: the same network is named twice: name each network once")
    names = told_apart([name for name, _ in found], typed)
    subjects = alike({name: members for name, (_, members) in zip(names, found, strict=True)})
    check_same_images(labelled(subjects.traces))
    return subjects
