"""Running a network on sequences of images, each row with its own times of change and its own end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.architectures.lesions import set_step
from rcnnzoo.profiling.operations import Size, count_operations

ENDED = -1
"""Place of what is shown once a row has ended."""


@dataclass(frozen=True)
class SequenceUnrolling:
    """A network that is shown one image after another.

    `places` [B, T] says which of some images [P, 3, H, W] each row is shown at each time step, `ENDED` after its end.

    Attributes:
        network: As it is run: with the number of time steps of the longest row, and with modules cut.
        again: The time steps, from 1, at which every row's image is presented again because a lesion begins or ends.
    """

    network: RecurrentModel
    again: frozenset[int] = frozenset()

    def steps(self, images: Tensor, places: Tensor) -> Iterator[tuple[State, Tensor]]:
        """State and logits of each time step, of the rows that have not ended, in order.

        Only rows whose image changes are presented with it, and rows that have ended are not computed.

        Args:
            images: [P, 3, H, W] in [-1, 1].
            places: [B, T].
        """
        rows = torch.arange(len(places), device=places.device)
        set_step(self.network, 0)
        state = self.network.begin(images[places[:, 0]])
        for t in range(places.shape[1]):
            if t:
                runs = places[rows, t] != ENDED
                if not runs.any():
                    return
                if not runs.all():
                    rows, state = rows[runs], tuple(tensor[runs] for tensor in state)
                state = self._present(state, t, images, rows, places)
            state, logits = self.network.step(state, t)
            yield state, logits

    def _present(self, state: State, t: int, images: Tensor, rows: Tensor, places: Tensor) -> State:
        """Present what is new at a time step."""
        now = places[rows, t]
        new = now != places[rows, t - 1]
        if t in self.again or new.all():
            set_step(self.network, t)
            return self.network.present(state, images[now])
        if not new.any():
            return state
        set_step(self.network, t)
        presented = self.network.present(tuple(tensor[new] for tensor in state), images[now[new]])
        return tuple(
            tensor.index_put((new,), part.to(tensor.dtype)) for tensor, part in zip(state, presented, strict=True)
        )

    def macs(self, places: Tensor, size: Size = None) -> Tensor:
        """Multiply-accumulates of each row at each time step, [B, T]; 0 after its end."""
        steps = places.shape[1]
        still, changing = (
            torch.tensor(count_operations(self.network, size, changes).macs)
            for changes in (self.again, frozenset(range(1, steps)) if self.network.can_present else self.again)
        )
        new = torch.ones_like(places, dtype=torch.bool)
        new[:, 1:] = places[:, 1:] != places[:, :-1]
        return torch.where(new, changing, still).where(places != ENDED, 0)


def places_of(frames: Tensor) -> Tensor:
    """Which of all frames [B * T, 3, H, W] is shown when, [B, T], given [B, T, 3, H, W]; one like that before is it."""
    batch, steps = frames.shape[:2]
    places = torch.arange(batch * steps, device=frames.device).view(batch, steps)
    for t in range(1, steps):
        same = (frames[:, t] == frames[:, t - 1]).flatten(1).all(1)
        places[:, t] = torch.where(same, places[:, t - 1], places[:, t])
    return places
