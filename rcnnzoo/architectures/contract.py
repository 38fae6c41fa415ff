"""What every network in the zoo is: begin once, then step by step.

Letters in shapes, here and everywhere: B images (or rows) of a batch, T time steps, C categories, F features,
K feature maps, H and W height and width.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from rcnnzoo.architectures.card import Card, card_of, name_of
from rcnnzoo.errors import OptionError, RcnnzooWarning

State = tuple[Tensor, ...]
"""What a network keeps between time steps: batch-first tensors, so that rows can be dropped or joined."""


class RecurrentModel(nn.Module):
    """A network that gives logits at every time step; a feedforward network has one step.

    Subclasses set `num_steps` and write `begin`, `step` and `features`. Training, traces and everything that
    is built on them then work. What gives logits from features, one module or a list of them, should be the attribute
    `classifier`: then it can be trained by itself (`rcnnzoo train --classifiers-only`). With `present`, what is shown
    may change from step to step; with `activations`, areas have names under which what they hold is extracted.

    Attributes:
        num_steps: Time steps T.
        trained_steps: Those that it was trained for, where it is run for another number; otherwise None.
        rows_mix_steps: Whether rows at different time steps may share a batch in `step` (a network whose state
            shapes or weights change with the step says no).
        card: What rebuilds the network and says where it comes from; made by `rcnnzoo.build` and `rcnnzoo.load`. A
            network that was made in another way has none: it runs, but can't be saved or traced.
    """

    num_steps: int
    trained_steps: int | None = None
    rows_mix_steps: bool = True
    card: Card | None = None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The card as a mapping, for code that was written before there were cards.

        Raises:
            OptionError: The network has no card, or this is set.
        """
        warnings.warn("network.metadata is now network.card (docs/plugins.md)", RcnnzooWarning, stacklevel=2)
        return MappingProxyType(card_of(self).to_dict())  # a change would be lost

    @metadata.setter
    def metadata(self, value: object) -> None:
        raise OptionError("network.metadata is now network.card: set that to a rcnnzoo.plugin.Card (docs/plugins.md)")

    @property
    def can_present(self) -> bool:
        """Whether what it is shown may change while it runs: whether it has a method `present` of its own."""
        return type(self).present is not RecurrentModel.present

    def begin(self, images: Tensor) -> State:
        """Compute once what does not change over time: images [B, 3, H, W] in [-1, 1] -> state."""
        raise NotImplementedError

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """Run time step t (from 0): the next state, and this step's logits [B, C].

        In evaluation mode t may be a LongTensor [B] with each row's own step, if `rows_mix_steps` and every row
        has run its first step.
        """
        raise NotImplementedError

    def present(self, state: State, images: Tensor) -> State:
        """The same memory with other images in front of it: images [B, 3, H, W] in [-1, 1] -> state of the same shapes.

        What `begin` computed of the images before is computed of these; nothing else changes, so presenting the same
        images again changes nothing.

        Raises:
            OptionError: The network can't do this, which is the default.
        """
        raise OptionError(
            f"{name_of(self)} can't be shown something else while it runs: its network has no method `present`"
        )

    def features(self, state: State) -> Tensor:
        """The classifier's inputs at the step that gave this state: [B, F]."""
        raise NotImplementedError

    @property
    def has_areas(self) -> bool:
        """Whether it says what its areas hold: whether it has a method `activations` of its own."""
        return type(self).activations is not RecurrentModel.activations

    def activations(self, state: State) -> dict[str, Tensor]:
        """What each area holds at the step that gave this state, by its name: maps [B, K, H, W], or any [B, ...].

        Raises:
            OptionError: The network doesn't say, which is the default; its modules can be read all the same.
        """
        raise OptionError(f"{name_of(self)} doesn't say what its areas hold: its network has no method `activations`")

    def forward(self, images: Tensor) -> Tensor:
        """All steps: images [B, 3, H, W] -> logits [B, T, C]."""
        state = self.begin(images)
        logits = []
        for t in range(self.num_steps):
            state, now = self.step(state, t)
            logits.append(now)
        return torch.stack(logits, dim=1)
