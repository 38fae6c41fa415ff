"""Optimisers and schedules: timm's and torch's by name, and the one variant of Adam that neither has."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from rcnnzoo.errors import UnknownName

EPSILON_HAT = "adam-epsilon-hat"
EPSILON = 0.1  # the sequel's


class AdamEpsilonHat(torch.optim.Adam):
    """Adam as TensorFlow computes it: epsilon is added before the bias correction ("epsilon hat").

    TensorFlow's update is lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon); torch's divides sqrt(v) by
    sqrt(1 - b2^t) first, so the same update needs epsilon / sqrt(1 - b2^t) there. At epsilon = 0.1 this matters:
    the first update is 32 times smaller. Source: Kingma & Ba 2015, end of section 2; TensorFlow's documentation.
    """

    def __init__(self, params: Any, lr: float, weight_decay: float = 0.0, epsilon: float = EPSILON) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, eps=epsilon)
        for group in self.param_groups:
            group["epsilon_hat"], group["updates"] = epsilon, 0

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update."""
        for group in self.param_groups:
            group["updates"] += 1
            group["eps"] = group["epsilon_hat"] / sqrt(1 - group["betas"][1] ** group["updates"])
        loss: float | None = super().step(closure)
        return loss


def make_optimizer(model: nn.Module, name: str, lr: float, weight_decay: float) -> Optimizer:
    """An optimiser that decays kernels only: parameters with one axis (biases, batch norm) are left alone.

    Raises:
        UnknownName: timm has none of that name, and it isn't ours.
    """
    import timm.optim  # slow to import

    if name == EPSILON_HAT:
        groups = timm.optim.param_groups_weight_decay(model, weight_decay=weight_decay)
        return AdamEpsilonHat(groups, lr=lr, weight_decay=weight_decay)
    known = timm.optim.list_optimizers()
    if name not in known:
        raise UnknownName("optimizer", name, [*known, EPSILON_HAT], "`optimizer`")
    optimizer: Optimizer = timm.optim.create_optimizer_v2(model, opt=name, lr=lr, weight_decay=weight_decay)
    return optimizer


def _one_cycle(optimizer: Optimizer, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    has_momentum = bool({"betas", "momentum"} & optimizer.defaults.keys())
    return lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=updates, cycle_momentum=has_momentum)


def _cosine(optimizer: Optimizer, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    warm = max(1, updates // 20)
    up = lr_scheduler.LinearLR(optimizer, start_factor=1 / warm, total_iters=max(1, warm - 1))
    down = lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(1, updates - warm))
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[warm])


def _step(optimizer: Optimizer, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    return lr_scheduler.StepLR(optimizer, step_size=max(1, -(-updates // 3)))


def _constant(optimizer: Optimizer, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    return lr_scheduler.ConstantLR(optimizer, factor=1)


SCHEDULES = {"one-cycle": _one_cycle, "cosine": _cosine, "step": _step, "constant": _constant}


def make_schedule(optimizer: Optimizer, name: str, lr: float, updates: int) -> lr_scheduler.LRScheduler:
    """A schedule that is stepped after every update, over a number of updates.

    `one-cycle`: up for 30 % of them, then down to nothing (Smith & Topin 2018). `cosine`: up for 5 %, then down
    along a cosine. `step`: divided by 10 after each third. `constant`.

    Raises:
        UnknownName: There is no such schedule.
    """
    if name not in SCHEDULES:
        raise UnknownName("schedule", name, SCHEDULES, "`schedule`")
    return SCHEDULES[name](optimizer, lr, updates)
