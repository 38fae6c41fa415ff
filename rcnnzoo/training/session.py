"""A run in progress: everything that trains one network."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from rcnnzoo.architectures.card import card_of
from rcnnzoo.data.batches import Batch, Images, evaluation_batches, readable
from rcnnzoo.data.opening import Data
from rcnnzoo.errors import OptionError, RcnnzooWarning, TrainingError
from rcnnzoo.runs.checkpoints import DamagedCheckpoint, read_checkpoint, write_checkpoint
from rcnnzoo.runs.folder import Run
from rcnnzoo.training.images import RunImages, prepare_images
from rcnnzoo.training.interruption import WAYS, Interruption
from rcnnzoo.training.metrics import StepMetrics, measure
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.starting import new_network, take_weights
from rcnnzoo.training.state import TrainingState
from rcnnzoo.training.world import World


@dataclass
class Session:
    """A network with everything that trains it.

    Attributes:
        settings: How it is trained.
        run: The folder of the run.
        world: Where it is trained.
        images: What it is trained on.
        state: Everything that changes.
        request: Whether somebody asked this process to stop.
        stop: How training ends, once all processes know that one of them was asked.
    """

    settings: Settings
    run: Run
    world: World
    images: RunImages
    state: TrainingState
    request: Interruption = field(default_factory=Interruption)
    stop: type[KeyboardInterrupt] | None = None

    def measure(self, images: Images) -> StepMetrics:
        """Loss and accuracy of the network as it would be saved, in evaluation mode, over all processes.

        Raises:
            NetworkError: Its logits are not finite.
            KeyboardInterrupt: Somebody asked to stop.
        """
        world = self.world
        size = -(-self.state.share // self.state.parts)  # as many at once as in training
        network = self.state.result.eval()
        world.share_buffers(network)
        starts = range(0, len(images), size)
        own = [(start, min(start + size, len(images))) for start in starts[world.rank :: world.processes]]
        batches = readable(evaluation_batches(images, size, own), self.images.unreadable) if own else ()
        metrics = StepMetrics(self.state.model.num_steps, world.device)
        with world.autocast():
            measure(network, self._until_asked(batches, -(-len(starts) // world.processes)), metrics)
        return metrics.over(world.total).checked()

    def _until_asked(self, batches: Iterable[Batch], most: int) -> Iterator[Batch]:
        """Batches, up to a number that all processes share, until somebody asks one of them to stop.

        Raises:
            KeyboardInterrupt: Somebody did.
        """
        upcoming = iter(batches)
        for _ in range(most):
            self.agree()
            if self.stop:
                raise self.stop
            batch = next(upcoming, None)
            if batch is not None:
                yield batch

    def count_unreadable(self) -> None:
        """Let all processes know which images none of them could read.

        Raises:
            DataError: Together they are too many.
        """
        self.images.unreadable.see((name, "in another process") for name in self._unreadable())

    def _unreadable(self) -> list[str]:
        """Images that any process could not read, sorted."""
        return sorted(set[str]().union(*self.world.everything(self.images.unreadable.names)))

    def agree(self) -> None:
        """Let all processes know if one of them was asked to stop."""
        ways = (None, *WAYS)
        self.stop = ways[self.world.highest(ways.index(self.request.asked))]

    def write_checkpoint(self) -> None:
        """Write everything needed to resume training, by the first of the processes."""
        self.world.share_buffers(self.state.result)
        content = self.state.state_dict()
        content |= {"images": self.images.identity, "unreadable": self._unreadable()}
        content |= {"computed_on": self.world.name}
        if self.world.is_first:
            write_checkpoint(self.run.checkpoint, content)

    def read_checkpoint(self) -> bool:
        """Resume from the run's last checkpoint, or if that is damaged from the one before; returns whether it has one.

        Raises:
            TrainingError: Both are damaged or not of this version, or they are of other images.
        """
        faults: list[DamagedCheckpoint] = []
        for file in self.run.checkpoints:
            try:
                self._load(file)
            except DamagedCheckpoint as error:
                faults.append(error)
                continue
            if faults:
                state = self.state
                warnings.warn(
                    f"{faults[0]}: resumes from the one before, after batch {state.batch} of epoch {state.epoch + 1}",
                    RcnnzooWarning,
                    stacklevel=2,
                )
                self.world.wait()  # until all have read it
                if self.world.is_first:
                    file.replace(self.run.checkpoint)
            return True
        if faults:
            which = "it" if len(faults) == 1 else "both checkpoints"
            raise TrainingError(f"{faults[0]}; remove {which}, and `resume` starts from the beginning")
        return False

    def _load(self, file: Path) -> None:
        """Take over what a checkpoint holds.

        Raises:
            DamagedCheckpoint: It can't be read, or is not of this version.
            TrainingError: It is of other images.
        """
        saved = read_checkpoint(file)
        try:
            if saved["images"] != self.images.identity:
                raise TrainingError(
                    f"{self.run.folder}: can't be resumed, its training images are not those it was started with: "
                    "restore those, or give another folder (`out`)"
                )
            self.state.load_state_dict(saved)
            self.images.unreadable.names.update(saved["unreadable"])
            self._compare_devices(saved["computed_on"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise DamagedCheckpoint(file) from error

    def _compare_devices(self, before: str) -> None:
        """Warn if a resumed run computes on something else: sums are then rounded in a different order."""
        now = self.world.name
        if now != before:
            warnings.warn(
                f"{self.run.folder}: was started on {before} and resumes on {now}: results will not be byte for "
                "byte those of an uninterrupted run (`threads`, `device`, number of processes)",
                RcnnzooWarning,
                stacklevel=2,
            )


def open_session(settings: Settings, data: Data, run: Run) -> Session:
    """Everything ready to train, nothing trained.

    Raises:
        UnknownName: There is no such architecture, optimizer or schedule.
        OptionError: A setting can't work.
        DataError: No image is readable, or too many are not.
    """
    world = World(settings.precision, compiled=settings.compile)
    model = new_network(settings, data, pretrained=settings.pretrained and not run.checkpoints)
    model.card = replace(card_of(model), pretrained=settings.pretrained)  # a checkpoint has later values of them
    started_from = None
    if settings.start_from and not run.checkpoints:
        started_from = take_weights(model, settings.start_from)
    images = prepare_images(settings, data)
    least = min(settings.batch_size, len(images.train)) // world.processes
    if least < settings.accumulate:
        raise OptionError(
            f"`batch_size` {settings.batch_size}: is too small for {world.processes * settings.accumulate} parts "
            f"(processes times `accumulate` {settings.accumulate}): each needs an image"
        )
    share = -(-min(settings.batch_size, len(images.train)) // world.processes)
    state = TrainingState(model, settings, world, images.batches, share)
    state.started_from = started_from
    return Session(settings, run, world, images, state)
