"""Running a network step by step while what it is shown may change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.architectures.lesions import set_step
from rcnnzoo.engine.programme import Programme
from rcnnzoo.profiling.operations import Count, Size, count_operations


@dataclass(frozen=True)
class Stream:
    """Which of several images is shown at each time step, row by row.

    Attributes:
        places: Into the images of a row, [B, T].
        onsets: The time steps, from 0, at which a row is shown another image than before; 0 is the first.
    """

    places: Tensor
    onsets: tuple[int, ...]

    @classmethod
    def of_frames(cls, frames: Tensor) -> Stream:
        """Frames [B, T, 3, H, W] as they are."""
        steps = frames.shape[1]
        changed = [t for t in range(1, steps) if not torch.equal(frames[:, t], frames[:, t - 1])]
        return cls(torch.arange(steps).expand(len(frames), -1), (0, *changed))

    def shown(self, t: int, images: Tensor, names: Sequence[str]) -> Tensor:
        """What is shown at time step t: of images [B, P, 3, H, W], one per row."""
        return images[torch.arange(len(images)), self.places[:, t]]


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
    shown: Programme | Stream
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
