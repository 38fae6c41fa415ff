"""Schedules of the learning rate: torch's, by name; light to import, so that options can say which there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rcnnzoo.errors import UnknownName

if TYPE_CHECKING:
    from torch.optim import Optimizer, lr_scheduler


def _one_cycle(optimizer: Optimizer, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    from torch.optim import lr_scheduler

    if updates == 1:  # torch would make that the last of the cycle, with almost no learning rate
        return lr_scheduler.ConstantLR(optimizer, factor=1)
    has_momentum = bool({"betas", "momentum"} & optimizer.defaults.keys())
    return lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=updates, cycle_momentum=has_momentum)


def _cosine(optimizer: Optimizer, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    from torch.optim import lr_scheduler

    warm = max(1, updates // 20)
    up = lr_scheduler.LinearLR(optimizer, start_factor=1 / warm, total_iters=max(1, warm - 1))
    down = lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(1, updates - warm))
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[warm])


def _step(optimizer: Optimizer, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    from torch.optim import lr_scheduler

    return lr_scheduler.StepLR(optimizer, step_size=max(1, -(-updates // 3)))


def _constant(optimizer: Optimizer, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    from torch.optim import lr_scheduler

    return lr_scheduler.ConstantLR(optimizer, factor=1)


SCHEDULES = {"one-cycle": _one_cycle, "cosine": _cosine, "step": _step, "constant": _constant}


def make_schedule(optimizer: Optimizer, name: str, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    """A schedule that is stepped after every update, over a number of updates.

    `one-cycle`: up for 30 % of them, then down to nothing (Smith & Topin 2018). `cosine`: up for 5 %, then down
    along a cosine. `step`: divided by 10 after each third. `constant`. A single update is made at the highest rate.

    Raises:
        UnknownName: There is no such schedule.
    """
    if name not in SCHEDULES:
        raise UnknownName("schedule", name, SCHEDULES, "`schedule`")
    return SCHEDULES[name](optimizer, lr, updates)
