"""Running a network step by step while what it is shown may change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.architectures.lesions import set_step
from rcnnzoo.engine.programme import Programme
from rcnnzoo.errors import OptionError
from rcnnzoo.profiling.operations import Count, Size, count_operations
from rcnnzoo.text import counted


def check_names(names: Sequence[str], images: int) -> None:
    """Refuse names that don't fit the images.

    Raises:
        OptionError: There are more or fewer, or one is not a text.
    """
    if len(names) != images:
        raise OptionError(f"{counted(len(names), 'name')} for {counted(images, 'image')}: give one for each")
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None:
        raise OptionError(f"`names`: {wrong!r} is not a text")


@dataclass(frozen=True)
class Unrolling:
    """A network, and what it is shown when.

    Attributes:
        network: As it is run: with its number of time steps, and with modules cut.
        shown: What is shown at each time step.
        changes: The time steps, from 1, at which an image is presented: another one, or the same one again because a
            lesion begins or ends. `begin` presents the first.
    """

    network: RecurrentModel
    shown: Programme
    changes: frozenset[int] = frozenset()

    def count(self, size: Size = None) -> Count:
        """The cost of an image; that of a changed image counts towards the step at which it changes."""
        return count_operations(self.network, size, self.changes)

    def begin(self, images: Tensor, names: Sequence[str]) -> State:
        """Present the first of what is shown to rows with these images [B, 3, H, W] and names."""
        set_step(self.network, 0)
        return self.network.begin(self.shown.shown(0, images, names))

    def present(self, state: State, t: int, images: Tensor, names: Sequence[str]) -> State:
        """Present what is shown from step t on."""
        set_step(self.network, t)
        return self.network.present(state, self.shown.shown(t, images, names))

    def steps(self, images: Tensor, names: Sequence[str]) -> Iterator[tuple[State, Tensor]]:
        """State and logits [B, C] of each time step."""
        state = self.begin(images, names)
        for t in range(self.network.num_steps):
            if t in self.changes:
                state = self.present(state, t, images, names)
            state, logits = self.network.step(state, t)
            yield state, logits

    def logits(self, images: Tensor, names: Sequence[str]) -> Tensor:
        """Logits of all time steps, [B, T, C]."""
        return torch.stack([logits for _, logits in self.steps(images, names)], dim=1)
