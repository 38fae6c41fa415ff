"""Optimisers: timm's by name, and a variant of Adam that timm lacks."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from math import sqrt
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from rcnnzoo.errors import UnknownName

EPSILON_HAT = "adam-epsilon-hat"
EPSILON = 0.1  # the sequel's


class AdamEpsilonHat(torch.optim.Adam):
    """Adam as TensorFlow computes it: epsilon is added before the bias correction ("epsilon hat").

    TensorFlow's update is lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon); torch's divides sqrt(v) by
    sqrt(1 - b2^t) first, so the same update needs epsilon / sqrt(1 - b2^t) there. At epsilon = 0.1 this matters:
    the first update is 32 times smaller. Source: Kingma & Ba 2015, end of section 2; TensorFlow's documentation.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        weight_decay: float = 0.0,
        epsilon: float = EPSILON,
        *,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, eps=epsilon, fused=fused)
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

    On a processor it is fused where torch has that, which takes a quarter of the time or less
    (`benchmarks/optimisers.py`); on a GPU torch chooses.

    Raises:
        UnknownName: Neither timm nor rcnnzoo has one of that name.
    """
    import timm.optim  # slow to import

    if name == EPSILON_HAT:
        groups = timm.optim.param_groups_weight_decay(model, weight_decay=weight_decay)
        return AdamEpsilonHat(groups, lr=lr, weight_decay=weight_decay, **_fused(AdamEpsilonHat, model))
    known = timm.optim.list_optimizers()
    if name not in known:
        raise UnknownName("optimizer", name, [*known, EPSILON_HAT], "`optimizer`")
    fused = _fused(timm.optim.get_optimizer_class(name, bind_defaults=False), model)
    optimizer: Optimizer = timm.optim.create_optimizer_v2(model, opt=name, lr=lr, weight_decay=weight_decay, **fused)
    return optimizer


def is_fused(optimizer: Optimizer) -> bool:
    """Whether one kernel updates all of a parameter."""
    return bool(optimizer.defaults.get("fused"))


def _fused(kind: type[Optimizer], model: nn.Module) -> dict[str, bool]:
    """The argument that makes an optimiser a fused one, if it takes it and that was measured to be faster."""
    on_processor = all(parameter.device.type == "cpu" for parameter in model.parameters())
    takes_it = kind.__module__.startswith("torch.") or kind is AdamEpsilonHat
    return {"fused": True} if on_processor and takes_it and "fused" in signature(kind).parameters else {}
