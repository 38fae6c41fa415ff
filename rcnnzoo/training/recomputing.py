"""Time steps that are computed again in the backward pass, so that what is inside them need not be kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from rcnnzoo.architectures.contract import RecurrentModel, State


def recompute_steps(model: RecurrentModel) -> None:
    """Let a network keep only some of its states while it learns, and compute the time steps between them again.

    Gradients and the running statistics of batch norm stay what they would be: while a step is computed for the second
    time, batch norm leaves its statistics alone (torch.utils.checkpoint would update them twice).
    """
    forward = model.forward

    def run(state: State, first: int, last: int) -> tuple[State, list[Tensor]]:
        logits = []
        for t in range(first, last):
            state, now = model.step(state, t)
            logits.append(now)
        return state, logits

    def recomputing(images: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return forward(images)
        state, logits, steps = model.begin(images), list[Tensor](), model.num_steps
        together = steps_between_states(steps)
        for first in range(0, steps, together):
            last = min(first + together, steps)
            state, now = checkpoint(run, state, first, last, use_reentrant=False, context_fn=lambda: _passes(model))
            logits += now
        return torch.stack(logits, dim=1)

    model.forward = recomputing  # type: ignore[method-assign]


def steps_between_states(steps: int) -> int:
    """How many time steps are computed again together, so that least is kept at once.

    What is kept is the states between such stretches, and what is inside one of them; a state takes about half of what
    is inside a step of the paper's networks.

    >>> [steps_between_states(steps) for steps in (1, 4, 8, 20)]
    [1, 1, 2, 3]
    """
    return max(1, round(math.sqrt(steps / 2)))


def _passes(model: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Contexts of the first and of the second time."""
    return nullcontext(), _statistics_left_alone(model)


@contextmanager
def _statistics_left_alone(model: nn.Module) -> Iterator[None]:
    """While it lasts, a new batch weighs nothing in the running statistics of batch norm."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        norm.num_batches_tracked = None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone()
    try:
        yield
    finally:
        for norm, (momentum, tracked) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, tracked
