"""Batch norm whose statistics are those of all processes' images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, distributed, nn

_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """While it lasts, statistics are those of this process's images, so that no other one has to take part."""
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


class _Sum(torch.autograd.Function):
    """A sum over processes; so is its gradient, as the loss of each process depends on what every one has."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


def _over_processes(values: Tensor) -> Tensor:
    if _ALONE.get() or not distributed.is_initialized():
        return values
    total: Tensor = _Sum.apply(values)
    return total


class SynchronisedBatchNorm(nn.BatchNorm2d):
    """Batch norm over the images of all processes, in training; torch's own (`nn.SyncBatchNorm`) needs a GPU.

    Mean and variance are computed one after the other, so that a large mean costs no digits, and added up in float64 on
    a processor, as torch does it there.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Maps [B, K, H, W] -> the same, normalised."""
        if not self.training:
            return super().forward(input)
        values = input.to(torch.promote_types(input.dtype, torch.float32))
        exact = torch.float64 if values.device.type == "cpu" else torch.float32
        count = _over_processes(values.new_tensor(values.numel() // values.shape[1], dtype=exact))
        mean = _over_processes(values.sum((0, 2, 3), dtype=exact)) / count
        centred = values - mean.to(values.dtype)[:, None, None]
        variance = _over_processes(centred.square().sum((0, 2, 3), dtype=exact)) / count
        with torch.no_grad():
            if self.running_mean is not None and self.running_var is not None and self.momentum is not None:
                self.running_mean.lerp_(mean.to(values.dtype), self.momentum)
                self.running_var.lerp_((variance * count / (count - 1)).to(values.dtype), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        normalised: Tensor = centred * torch.rsqrt(variance + self.eps).to(values.dtype)[:, None, None]
        if self.weight is not None and self.bias is not None:
            normalised = normalised * self.weight[:, None, None] + self.bias[:, None, None]
        return normalised.to(input.dtype)


def synchronise_batch_norms(network: nn.Module) -> None:
    """Let the batch norms of a network compute their statistics over all processes.

    A single process computes them in the same way, since rounding that differs by a digit would grow with every update.
    """
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SynchronisedBatchNorm
