"""Running networks so that an image that has decided costs nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.policies.checks import checked_scores
from rcnnzoo.policies.contract import ExitPolicy

ROWS = {"cpu": 8, "cuda": 256}
"""Rows at work at once: on a processor so few that they stay in its cache, on a GPU so many that they fill it."""


@dataclass(frozen=True)
class Rule:
    """When to stop.

    Attributes:
        readout: From logits [..., T, C] to probabilities.
        policy: The exit policy.
        name: What it is called.
        threshold: In the policy's unit.
    """

    readout: Callable[[Tensor], Tensor]
    policy: ExitPolicy
    name: str
    threshold: float

    def sure(self, logits: Tensor, t: int | Tensor) -> Tensor:
        """Whether each row stops at its step: logits [R, T, C], filled up to step t, of all or of each [R] -> [R]."""
        scores = checked_scores(self.policy, self.readout(logits), self.name)
        score = scores[:, t] if isinstance(t, int) else scores.gather(1, t[:, None])[:, 0]
        return score <= self.threshold if self.policy.direction == "below" else score >= self.threshold


@dataclass(frozen=True)
class Exits:
    """Images that have decided.

    Attributes:
        images: Their numbers in the order of input, [R].
        logits: Of the steps that were run, [R, T, C]; 0 at later ones.
        last: The step each stopped at, from 0, [R].
    """

    images: Tensor
    logits: Tensor
    last: Tensor


def run(model: RecurrentModel, batches: Iterable[Tensor], rule: Rule, rows: int | None = None) -> Iterator[Exits]:
    """Run a network on images until each has decided; they come out as they do.

    On a GPU, images that wait take the places of those that leave, so that rows at different time steps share a batch
    that stays full. On a processor a batch only shrinks, and the next begins when it is empty: joining would copy the
    state, which costs more than small batches do. A network whose rows can't mix steps is run that way as well. The
    device is waited for once a step, to learn which rows stay.

    Args:
        model: In evaluation mode.
        batches: Images [B, 3, H, W] in [-1, 1], in batches of any size.
        rule: When to stop.
        rows: Rows at work at once; without it what suits the device.
    """
    device = next(model.parameters()).device
    rows = rows or ROWS.get(device.type, ROWS["cuda"])
    waiting = _Waiting(batches, device)
    refill = device.type != "cpu" and model.rows_mix_steps
    return _refilled(model, waiting, rule, rows) if refill else _shrinking(model, waiting, rule, rows)


class _Waiting:
    """Images that have not begun, handed out in any number."""

    def __init__(self, batches: Iterable[Tensor], device: torch.device) -> None:
        self.batches, self.device = iter(batches), device
        self.ready: Tensor | None = None
        self.taken = 0

    def take(self, most: int) -> tuple[Tensor, Tensor] | None:
        """Up to so many images and their numbers; None if there are no more."""
        while self.ready is None or not len(self.ready):
            batch = next(self.batches, None)
            if batch is None:
                return None
            self.ready = batch.to(self.device, non_blocking=True)
        images, self.ready = self.ready[:most], self.ready[most:]
        numbers = torch.arange(self.taken, self.taken + len(images), device=self.device)
        self.taken += len(images)
        return images, numbers


def _shrinking(model: RecurrentModel, waiting: _Waiting, rule: Rule, rows: int) -> Iterator[Exits]:
    """A batch at a time, all rows at the same step; rows that are sure leave."""
    while (newcomers := waiting.take(rows)) is not None:
        images, numbers = newcomers
        state, logits = model.begin(images), None
        for t in range(model.num_steps):
            state, now = model.step(state, t)
            if logits is None:
                logits = now.new_zeros(len(now), model.num_steps, now.shape[1])
            logits[:, t] = now
            sure = rule.sure(logits, t) if t < model.num_steps - 1 else torch.ones_like(numbers, dtype=torch.bool)
            leave, stay = sure.nonzero()[:, 0], (~sure).nonzero()[:, 0]
            if len(leave):
                yield Exits(numbers[leave], logits[leave], torch.full_like(leave, t))
            if not len(stay):
                break
            if len(leave):
                state, numbers, logits = _rows(state, stay), numbers[stay], logits[stay]


def _refilled(model: RecurrentModel, waiting: _Waiting, rule: Rule, rows: int) -> Iterator[Exits]:
    """The batch stays full: newcomers run their first step by themselves and join the others."""
    state: State = ()
    numbers = logits = t = None
    while True:
        room = rows - (0 if numbers is None else len(numbers))
        newcomers = waiting.take(room) if room else None
        if newcomers is not None:
            images, joining = newcomers
            begun, now = model.step(model.begin(images), 0)
            fresh = now.new_zeros(len(now), model.num_steps, now.shape[1])
            fresh[:, 0] = now
            first = torch.zeros_like(joining)
            if numbers is None or logits is None or t is None or not len(numbers):
                state, numbers, logits, t = begun, joining, fresh, first
                checked = slice(0, None)
            else:
                checked = slice(len(numbers), None)
                state = tuple(torch.cat(pair) for pair in zip(state, begun, strict=True))
                numbers, logits, t = (
                    torch.cat([numbers, joining]),
                    torch.cat([logits, fresh]),
                    torch.cat([t, first]),
                )
        elif numbers is None or logits is None or t is None or not len(numbers):
            return
        else:
            t = t + 1
            state, now = model.step(state, t)
            logits[torch.arange(len(t), device=t.device), t] = now
            checked = slice(0, None)
        sure = torch.zeros_like(numbers, dtype=torch.bool)
        sure[checked] = rule.sure(logits[checked], t[checked]) | (t[checked] == model.num_steps - 1)
        leave, stay = sure.nonzero()[:, 0], (~sure).nonzero()[:, 0]
        if len(leave):
            yield Exits(numbers[leave], logits[leave], t[leave])
            state, numbers, logits, t = _rows(state, stay), numbers[stay], logits[stay], t[stay]


def _rows(state: State, chosen: Tensor) -> State:
    return tuple(tensor[chosen] for tensor in state)
