"""A recipe as commands of the program, in order: what `rcnnzoo reproduce` runs is what a user could type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rcnnzoo.errors import OptionError
from rcnnzoo.recipes.reading import Recipe, options
from rcnnzoo.results.naming import file_stem
from rcnnzoo.runs.members import member, members, read_seeds
from rcnnzoo.training.settings import checked_types
from rcnnzoo.writing import WEIGHTS, file_name

REPORT = "report.html"
COMMANDS = "commands.txt"
JOBS = "jobs.txt"
LOG = "log.txt"


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        name: What it does, for people.
        command: What a user would type after `rcnnzoo`.
        reads: Files on whose content its result depends, as far as another step or the user could change them.
        writes: Files that are there when it is done.
        network: The architecture that it trains, if it trains one.
    """

    name: str
    command: tuple[str, ...]
    reads: tuple[Path, ...]
    writes: tuple[Path, ...]
    network: str | None = None


@dataclass(frozen=True)
class Study:
    """Answers of people, and the images that they saw."""

    human: Path
    images: Path

    @property
    def name(self) -> str:
        """What its folder is called."""
        return file_name(self.human.stem)


@dataclass(frozen=True)
class Reproduction:
    """A recipe, where its data lie, and where everything goes.

    Attributes:
        recipe: What is trained and asked; options that a user gave are in it.
        data_dir: Folder of the data set.
        studies: Answers of people.
        out: The folder of everything that is written.
    """

    recipe: Recipe
    data_dir: Path | None
    studies: Sequence[Study]
    out: Path

    def __post_init__(self) -> None:
        names = [study.name for study in self.studies]
        if len(set(names)) < len(names):
            raise OptionError("`human`: two files have the same name, and so would their results: rename one of them")
        folders = [file_name(network) for network in self.recipe.networks]
        if len(set(folders)) < len(folders):
            raise OptionError(f"two of the recipe's networks would share a folder: {', '.join(sorted(folders))}")

    def check_members(self) -> None:
        """Refuse a folder with more members than are asked for: results would be about all of them.

        Raises:
            OptionError: There are others.
        """
        for network in self.recipe.networks:
            others = [run for seed, run in members(self.folder(network)).items() if seed not in self.seeds]
            if others and len(self.seeds) > 1:
                raise OptionError(f"`seeds` {self.recipe.seeds}: {others[0]} is another member; include it, or move it")

    @property
    def seeds(self) -> range:
        """Of the members of each network."""
        return read_seeds(self.recipe.seeds)

    def settings(self, network: str) -> dict[str, Any]:
        """What a training of a network is given, without a seed.

        Raises:
            OptionError: The recipe has a setting that `rcnnzoo train` doesn't, or one of another type.
        """
        table = {**self.recipe.training, **self.recipe.training_of.get(network, {})}
        if own := {"architecture", "data", "data_dir", "seed"} & set(table):
            raise OptionError(f"the recipe's training: {min(own)} doesn't belong there; leave it out")
        checked = checked_types(table, "the recipe's training")
        where = {} if self.data_dir is None else {"data_dir": str(self.data_dir)}
        return {**checked, "architecture": network, "data": self.recipe.data, **where}

    def folder(self, network: str) -> Path:
        """Where the members of a network are."""
        return self.out / "runs" / file_name(network)

    def runs(self, network: str) -> dict[int, Path]:
        """The run of each seed."""
        return {seed: member(self.folder(network), seed) for seed in self.seeds}

    def model(self, network: str) -> str:
        """What MODEL is for a network: the folder of its members, or its only run."""
        return str(self.folder(network) if len(self.seeds) > 1 else self.runs(network)[self.seeds[0]])

    def steps(self) -> list[Step]:
        """All commands in order; the last one writes the page."""
        steps = [self._training(network) for network in self.recipe.networks]
        steps += [self._accuracy(network) for network in self.recipe.networks]
        if len(self.recipe.networks) > 1:
            steps.append(self._comparison())
        steps.append(self._curve())
        steps += [self._behaviour(study) for study in self.studies]
        return [*steps, self._report()]

    def jobs(self) -> list[tuple[str, ...]]:
        """The training of each member by itself, for an array job of a cluster."""
        return [
            (*self._train(network), "--seed", str(seed), "--out", str(run), "--resume")
            for network in self.recipe.networks
            for seed, run in self.runs(network).items()
        ]

    def _train(self, network: str) -> tuple[str, ...]:
        given = self.settings(network)
        return ("train", given.pop("architecture"), *options(given))

    def _training(self, network: str) -> Step:
        folder = self.folder(network)
        command = (*self._train(network), "--seeds", self.recipe.seeds, "--out", str(folder), "--resume")
        return Step(f"train {network}", command, (), self._weights([network]), network)

    def _accuracy(self, network: str) -> Step:
        out = self.out / "accuracy" / file_name(network)
        command = ("evaluate", self.model(network), *self._readout(), *self._data(), "--out", str(out))
        stem = file_stem("accuracy", readout=self.recipe.readout)
        return Step(f"accuracy of {network}", command, self._weights([network]), _written(out, stem, stem))

    def _comparison(self) -> Step:
        out = self.out / "compare"
        command = ("compare", *self._models(), *self._rule(), *self._data(), "--out", str(out))
        table = file_stem("models", readout=self.recipe.readout)
        figure = file_stem("compare", policy=self.recipe.policy, readout=self.recipe.readout)
        return Step("comparison of networks (Table 1)", command, self._weights(), _written(out, table, figure))

    def _curve(self) -> Step:
        out = self.out / "profile"
        command = ("profile", *self._with_others("--sweep"), *self._rule(), *self._data(), "--out", str(out))
        stem = file_stem("sat", policy=self.recipe.policy, readout=self.recipe.readout)
        return Step("speed and accuracy (Fig. 1)", command, self._weights(), _written(out, stem, stem))

    def _behaviour(self, study: Study) -> Step:
        asked = ("--images", str(study.images), "--human", str(study.human), *options(self.recipe.behaviour))
        out = ("--out", str(self._results(study)))
        command = ("behaviour", *self._with_others(), *asked, *self._readout(), *out)
        reads = (*self._weights(), study.human)
        return Step(f"answers of people in {study.human.name} (Fig. 2)", command, reads, self._tables_of(study))

    def _report(self) -> Step:
        out = self.out / REPORT
        people = [word for study in self.studies for word in ("--behaviour", str(self._results(study)))]
        about = ("--title", self.recipe.title, "--commands", str(self.out / COMMANDS))
        command = ("report", *self._models(), *people, *self._rule(), *self._data(), *about, "--out", str(out))
        tables = [table for study in self.studies for table in self._tables_of(study)]
        return Step("report", command, (*self._weights(), self.out / COMMANDS, *tables), (out,))

    def _tables_of(self, study: Study) -> tuple[Path, ...]:
        """What the report reads of a study; the methods are written last."""
        names = ("correlations.csv", "comparisons.csv", "controls.csv", "ceilings.csv", "methods.txt")
        stem = partial(file_stem, readout=self.recipe.readout)
        return tuple(self._results(study) / f"{stem(Path(name).stem)}{Path(name).suffix}" for name in names)

    def _with_others(self, *flags: str) -> tuple[str, ...]:
        first, *others = self._models()
        return (first, *flags, *(word for other in others for word in ("--against", other)))

    def _data(self) -> list[str]:
        """Where the data set lies now: a run remembers where it was."""
        return [] if self.data_dir is None else ["--data-dir", str(self.data_dir)]

    def _results(self, study: Study) -> Path:
        return self.out / "behaviour" / study.name

    def _models(self) -> list[str]:
        return [self.model(network) for network in self.recipe.networks]

    def _weights(self, networks: Sequence[str] | None = None) -> tuple[Path, ...]:
        chosen = self.recipe.networks if networks is None else networks
        return tuple(run / WEIGHTS for network in chosen for run in self.runs(network).values())

    def _rule(self) -> list[str]:
        return ["--policy", self.recipe.policy, *self._readout()]

    def _readout(self) -> list[str]:
        return ["--readout", self.recipe.readout]


def _written(out: Path, table: str, figure: str) -> tuple[Path, ...]:
    """A table and a figure, which is written after all tables."""
    return (out / f"{table}.csv", out / f"{figure}.svg")


def adapted(recipe: Recipe, seeds: str | None, training: Mapping[str, Any]) -> Recipe:
    """A recipe with what a user gave in place of its own.

    Args:
        recipe: The recipe.
        seeds: Of the members of each network; None means not given.
        training: Settings of the training of every network.
    """
    own = {
        network: {name: value for name, value in table.items() if name not in training}
        for network, table in recipe.training_of.items()
    }
    return replace(recipe, seeds=seeds or recipe.seeds, training={**recipe.training, **training}, training_of=own)
