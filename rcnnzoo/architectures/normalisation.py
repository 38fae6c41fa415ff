"""Batch normalisation of recurrent networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn


class BatchNormByStep(nn.ModuleList):
    """Batch normalisation with separate statistics, scales and shifts for every time step.

    As in Cooijmans et al. (2017, arXiv 1603.09025). A layer's inputs differ from step to step: statistics that all
    steps share are right for none of them, and evaluation, which uses them, can fall to chance.

    Args:
        maps: Feature maps K.
        num_steps: Time steps T.
        epsilon: Added to variances.
        first_step: The first step, from 0, at which it is called: earlier ones have no statistics.

    Attributes:
        first_step: Likewise.
        of_step: The step, from 0, whose statistics, scale and shift are used at each step; None for each step's own.
            It lets a network run for more steps than it was trained for.

    >>> norm = BatchNormByStep(8, num_steps=3).eval()
    >>> norm(torch.ones(2, 8, 4, 4), torch.tensor([0, 2])).shape
    torch.Size([2, 8, 4, 4])
    """

    def __init__(self, maps: int, num_steps: int, epsilon: float = 1e-5, first_step: int = 0) -> None:
        super().__init__(nn.BatchNorm2d(maps, eps=epsilon) for _ in range(first_step, num_steps))
        self.first_step = first_step
        self.of_step: tuple[int, ...] | None = None

    def __iter__(self) -> Iterator[nn.BatchNorm2d]:
        """One for each step, from the first at which it is called."""
        return cast(Iterator[nn.BatchNorm2d], super().__iter__())

    def forward(self, x: Tensor, t: int | Tensor) -> Tensor:
        """Maps [B, K, H, W] at step t; with t a LongTensor [B], in evaluation mode, each row at its own step."""
        if isinstance(t, int):
            step = t if self.of_step is None else self.of_step[t]
            normalised: Tensor = self[step - self.first_step](x)
            return normalised
        if self.of_step is not None:
            t = torch.tensor(self.of_step, device=t.device)[t]
        scales, shifts = [], []
        for norm in self:
            mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
            scale = norm.weight * torch.rsqrt(variance + norm.eps)
            scales.append(scale)
            shifts.append(norm.bias - mean * scale)
        t = t - self.first_step
        scale, shift = torch.stack(scales)[t], torch.stack(shifts)[t]
        return torch.addcmul(shift[..., None, None], x, scale[..., None, None]).to(x.dtype)


@torch.no_grad()
def shared_batch_norms(network: nn.Module, images: Tensor) -> dict[str, int]:
    """Batch norms that a forward pass calls more than once, by name, and how often: their statistics mix those calls.

    >>> twice = nn.Sequential(norm := nn.BatchNorm2d(3), norm).eval()
    >>> shared_batch_norms(twice, torch.zeros(2, 3, 4, 4))
    {'0': 2}
    """
    calls = Counter[str]()
    hooks = [
        module.register_forward_hook(lambda *_, name=name: calls.update([name]))
        for name, module in network.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
    ]
    try:
        network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: count for name, count in calls.items() if count > 1}
