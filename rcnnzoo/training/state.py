"""Everything that changes while a network is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.convolution import set_algorithm
from rcnnzoo.architectures.freezing import freeze_all_but_classifiers
from rcnnzoo.training.metrics import StepMetrics
from rcnnzoo.training.optimisation import make_optimizer
from rcnnzoo.training.recomputing import recompute_steps
from rcnnzoo.training.schedules import make_schedule
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.synchronised import synchronise_batch_norms
from rcnnzoo.training.world import World

if TYPE_CHECKING:
    from timm.utils import ModelEmaV3

FORMAT = 4
"""Format of `state_dict`; any other is not resumed."""


class TrainingState:
    """A network with its optimiser, schedule and average, and how far it has come.

    Args:
        model: The network as it was built; on the world's device from now on.
        settings: How it is trained.
        world: Where it is trained.
        batches: Number of batches in an epoch.
        share: Images of a batch for each process.

    Attributes:
        model: The network.
        network: The same network as training calls it, compiled or wrapped.
        optimizer: Its optimiser.
        schedule: The learning rate, stepped after every update.
        average: A running average of the weights, if there is one.
        epoch: The current epoch, from 0.
        batch: Number of batches of this epoch that are done.
        metrics: Loss and accuracy over those batches.
        rows: One row of metrics for each earlier epoch.
        share: Images of a batch for each process.
        micro_batch: How many of these it works through at once, if that is limited; otherwise None.
        last_images: The images of the last update, [B, 3, H, W]; not part of a checkpoint.
        started_from: The network whose weights it started from, if any.
    """

    def __init__(self, model: RecurrentModel, settings: Settings, world: World, batches: int, share: int) -> None:
        if settings.classifiers_only:
            freeze_all_but_classifiers(model)
        set_algorithm(model, "direct")  # validation too: the result of a seed must not depend on timing
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = settings.batch_norm_momentum
        self.model = model
        self.world = world
        model.to(world.device).to(memory_format=torch.channels_last)
        optimizer = make_optimizer(model, settings.optimizer, settings.lr, settings.weight_decay)
        self.schedule = make_schedule(optimizer, settings.schedule, settings.lr, batches * settings.epochs)
        self.average = _average(model, settings.ema) if settings.ema else None
        if settings.sync_batch_norm:
            synchronise_batch_norms(model)
        if settings.checkpoint_activations:
            recompute_steps(model)
        self.network, self.optimizer = world.prepare(model, optimizer)
        self.share = share
        self.micro_batch = int(settings.micro_batch) if settings.micro_batch.isdecimal() else None
        self._accumulate = settings.accumulate
        self.epoch, self.batch = 0, 0
        self.metrics = StepMetrics(model.num_steps, world.device)
        self.rows: list[dict[str, Any]] = []
        self.last_lr = 0.0
        self.last_images: Tensor | None = None
        self.started_from: dict[str, Any] | None = None

    @property
    def result(self) -> RecurrentModel:
        """The network that is validated and saved: the running average of the weights if there is one."""
        result: RecurrentModel = self.model if self.average is None else self.average.module
        return result

    @property
    def parts(self) -> int:
        """Parts in which each process works through its share of a batch."""
        return self._accumulate if self.micro_batch is None else -(-self.share // self.micro_batch)

    @property
    def is_new(self) -> bool:
        """Whether training has not begun yet."""
        return self.epoch == self.batch == 0

    def end_epoch(self, row: dict[str, Any]) -> None:
        """Keep an epoch's row of metrics, and begin the next."""
        self.rows.append(row)
        self.epoch, self.batch = self.epoch + 1, 0
        self.metrics = StepMetrics(self.model.num_steps, self.world.device)

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values, for a checkpoint."""
        return {
            "format": FORMAT,
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "world": self.world.state_dict(),
            "epoch": self.epoch,
            "batch": self.batch,
            "metrics": self.metrics.over(self.world.total).state_dict(),
            "rows": self.rows,
            "last_lr": self.last_lr,
            "started_from": self.started_from,
            "micro_batch": self.micro_batch,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Resume from a checkpoint; one of another format or network raises errors of many kinds."""
        if saved["format"] != FORMAT:
            raise ValueError(f"format {saved['format']}")
        self.model.load_state_dict(saved["model"])
        if self.average is not None:
            self.average.module.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        self.world.load_state_dict(saved["world"])
        self.epoch, self.batch = saved["epoch"], saved["batch"]
        if self.world.is_first:  # these are over all processes
            self.metrics.load_state_dict(saved["metrics"])
        self.rows, self.last_lr = list(saved["rows"]), saved["last_lr"]
        self.started_from = saved["started_from"]
        self.micro_batch = saved["micro_batch"]


def _average(model: RecurrentModel, decay: float) -> ModelEmaV3:
    from timm.utils import ModelEmaV3  # slow to import, and rarely needed

    return ModelEmaV3(model, decay=decay)
