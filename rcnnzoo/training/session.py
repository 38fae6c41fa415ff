"""A run in progress: everything that trains one network."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace

from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.card import card_of
from rcnnzoo.data.batches import Images, evaluation_batches, readable
from rcnnzoo.data.opening import Data
from rcnnzoo.devices import device_name
from rcnnzoo.errors import RcnnzooWarning, TrainingError
from rcnnzoo.runs.checkpoints import DAMAGED, read_checkpoint, write_checkpoint
from rcnnzoo.runs.folder import Run
from rcnnzoo.training.images import RunImages, prepare_images
from rcnnzoo.training.interruption import Interruption
from rcnnzoo.training.metrics import StepMetrics, measure
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.starting import take_weights
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
        request: Whether the user asked to stop.
    """

    settings: Settings
    run: Run
    world: World
    images: RunImages
    state: TrainingState
    request: Interruption = field(default_factory=Interruption)

    def measure(self, images: Images) -> StepMetrics:
        """Loss and accuracy of the network as it would be saved, in evaluation mode."""
        network = self.state.result.eval()
        batches = readable(evaluation_batches(images, self.settings.batch_size), self.images.unreadable)
        with self.world.autocast():
            metrics = StepMetrics(self.state.model.num_steps, self.world.device)
            return measure(network, self.request.stopping(batches), metrics)

    def write_checkpoint(self) -> None:
        """Write everything needed to resume training."""
        content = self.state.state_dict()
        content |= {"images": self.images.identity, "unreadable": sorted(self.images.unreadable.names)}
        content |= {"computed_on": device_name(self.world.device)}
        write_checkpoint(self.run.checkpoint, content)

    def read_checkpoint(self) -> bool:
        """Resume from the run's checkpoint; returns whether it has one.

        Raises:
            TrainingError: It is damaged, of other images, or not of this version.
        """
        saved = read_checkpoint(self.run.checkpoint)
        if saved is None:
            return False
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
            raise TrainingError(f"{self.run.checkpoint}: {DAMAGED}") from error
        return True

    def _compare_devices(self, before: str) -> None:
        """Warn if a resumed run computes on something else: sums are then rounded in a different order."""
        now = device_name(self.world.device)
        if now != before:
            warnings.warn(
                f"{self.run.folder}: was started on {before} and resumes on {now}: results will not be byte for "
                "byte those of an uninterrupted run (`threads`, `device`)",
                RcnnzooWarning,
                stacklevel=2,
            )


def open_session(settings: Settings, data: Data, run: Run) -> Session:
    """Everything ready to train, nothing trained.

    Raises:
        UnknownName: There is no such architecture, optimizer or schedule.
        OptionError: A setting can't work.
        DataError: No image is readable, or too many are not.
        TrainingError: There are several processes.
    """
    world = World(settings.precision, compiled=settings.compile)
    model = build(
        settings.architecture,
        categories=data.categories,
        image_size=settings.image_size,
        width=settings.width,
        steps=settings.steps,
        seed=settings.seed,
        pretrained=settings.pretrained and not run.checkpoint.is_file(),
    )
    model.card = replace(card_of(model), pretrained=settings.pretrained)  # a checkpoint has later values of them
    started_from = None
    if settings.start_from and not run.checkpoint.is_file():
        started_from = take_weights(model, settings.start_from)
    images = prepare_images(settings, data)
    state = TrainingState(model, settings, world, images.batches)
    state.started_from = started_from
    return Session(settings, run, world, images, state)
