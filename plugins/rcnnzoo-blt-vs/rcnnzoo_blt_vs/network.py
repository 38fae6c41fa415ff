"""BLT-VS (Thorat & Kietzmann 2024, KietzmannLab/BLT-VS) in its two unrollings. Letters: rcnnzoo's `contract`.

Both have the same areas. They differ in what a time step is: a sweep from LGN up to the readout, which is followed by
one back down, or one pass in which every area takes what the others held before, so that signals move on by one area.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from rcnnzoo.plugin import RecurrentModel, State
from rcnnzoo_blt_vs.areas import Area, Readout, Retina, gate_of

V1, V4 = 1, 4
"""Positions of the two areas that skip connections join, counted from LGN."""

FIRST_PASSES = 4
"""Passes until the readout receives anything of the image, on the shortest path: LGN, V1, V4 (by the skip), LOC."""


class BLTVS(RecurrentModel):
    """What both unrollings share.

    Args:
        retina: The first area.
        areas: LGN, V1, V2, V3, V4 and LOC by name.
        readout: What feeds back to LOC.
        categories: How many.
        num_steps: Time steps.
    """

    def __init__(
        self, retina: Retina, areas: Mapping[str, Area], readout: Readout, categories: int, num_steps: int
    ) -> None:
        super().__init__()
        self.num_steps = num_steps
        self.retina = retina
        self.areas = cast(Mapping[str, Area], nn.ModuleDict(areas))
        self.readout = readout
        self.classifier = nn.Linear(readout.weight[0].numel(), categories)
        # LGN's top-down stream reaches no other area, so no loss depends on its scale and shift.
        self.areas["LGN"].top_down.requires_grad_(False)

    def begin(self, images: Tensor) -> State:
        """The retina's maps and what LGN receives of them, both the same at every step for a still image."""
        maps = self.retina(images)
        return maps, self.areas["LGN"].from_below(maps)

    def present(self, state: State, images: Tensor) -> State:
        """All areas but the retina keep their maps."""
        return (*self.begin(images), *state[2:])

    def bottom_up(self, state: State) -> Sequence[Tensor]:
        """Maps of the bottom-up streams, from LGN to LOC, at the step that gave this state."""
        raise NotImplementedError

    def top_down(self, state: State) -> Sequence[Tensor]:
        """Maps of the top-down streams, from LGN to LOC, at the step that gave this state."""
        raise NotImplementedError

    def features(self, state: State) -> Tensor:
        """The mean window that the readout's kernels take from LOC's bottom-up maps, [B, K * kernel * kernel]."""
        return self.readout.windows(self.bottom_up(state)[-1])

    def activations(self, state: State) -> dict[str, Tensor]:
        """The maps [B, K, H, W] of `Retina`, `LGN.bottom_up`, `LGN.top_down`, ..., and `Readout`, which it feeds back.

        These are those of the authors' code at the same time step.
        """
        maps = {"Retina": state[0]}
        for name, bottom_up, top_down in zip(self.areas, self.bottom_up(state), self.top_down(state), strict=True):
            maps |= {f"{name}.bottom_up": bottom_up, f"{name}.top_down": top_down}
        return {**maps, "Readout": self.readout(self.bottom_up(state)[-1], self.classifier)}


class SweepingBLTVS(BLTVS):
    """The authors' network without biological unrolling.

    Each time step is a sweep up to the readout, in which feedback gates each area, and one back down, in which what an
    area received from below gates it. As logits don't depend on the sweep down of their own time step, it is left to
    the next one: the last is never computed.

    The state is the retina's maps; what LGN receives of them; for each other area, the gate that its input from below
    sets; each area's bottom-up maps; and, for each but LGN, the lateral drive of its top-down stream at the next sweep
    down.
    """

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """The sweep down of the time step before, if there was one, then the sweep up.

        Returns the next state and the logits [B, C].
        """
        before: Sequence[Tensor | None] = [None] * len(self.areas)
        feedback: Sequence[Tensor | None] = before
        lateral = None
        if len(state) > 2:
            before = self.bottom_up(state)
            top_down, feedback = self._sweep_down(state)
            lateral = [
                area.top_down.lateral(maps)
                for area, maps in zip(self.areas.values(), top_down, strict=True)
                if area.top_down.lateral is not None
            ]
        received, gates = state[1], []
        maps: list[Tensor] = []
        for number, area in enumerate(self.areas.values()):
            if number > 0:
                received = area.from_below(maps[-1])
                gates.append(gate_of(received))
            drive = received if area.skip is None else received + area.skip(maps[V1])
            maps.append(area.bottom_up(drive, feedback[number], before[number]))
        if lateral is None:
            lateral = [torch.zeros_like(each) for each in maps[1:]]
        state = (*state[:2], *gates, *maps, *lateral)
        return state, self.classifier(self.features(state))

    def bottom_up(self, state: State) -> Sequence[Tensor]:
        """Maps of the bottom-up streams, from LGN to LOC."""
        return state[1 + len(self.areas) :][: len(self.areas)]

    def top_down(self, state: State) -> Sequence[Tensor]:
        """Maps of the top-down streams, from LGN to LOC, of the sweep down that follows this step's sweep up."""
        return self._sweep_down(state)[0]

    def _sweep_down(self, state: State) -> tuple[list[Tensor], list[Tensor]]:
        """Maps of the top-down streams, and the gates that feedback sets for the bottom-up ones, from LGN to LOC."""
        count = len(self.areas)
        gates, lateral = (gate_of(state[1]), *state[2 : 1 + count]), (None, *state[1 + 2 * count :])
        above = self.readout(self.bottom_up(state)[-1], self.classifier)
        maps, feedback = [], []
        for area, gate, itself in zip(list(self.areas.values())[::-1], gates[::-1], lateral[::-1], strict=True):
            received = area.from_above(above, output_size=gate.shape[-2:])
            above = area.top_down(received if itself is None else received + itself, gate)
            maps.append(above)
            feedback.append(gate_of(received))
        return maps[::-1], feedback[::-1]


class BiologicalBLTVS(BLTVS):
    """The authors' network with biological unrolling: in a pass, each area takes what the others held before it.

    A time step is one pass. The first step runs those before it as well, in which the readout receives nothing.

    The state is the retina's maps, what LGN receives of them, and the maps of the bottom-up and the top-down streams.
    """

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """One pass, at first several.

        Returns the next state and the logits [B, C].
        """
        retina, drive, *memory = state
        nothing: Sequence[Tensor | None] = [None] * len(self.areas)
        bottom_up, top_down = (self.bottom_up(state), self.top_down(state)) if memory else (nothing, nothing)
        for _ in range(1 if memory else FIRST_PASSES):
            bottom_up, top_down = self._pass(drive, bottom_up, top_down)
        state = (retina, drive, *(maps for maps in (*bottom_up, *top_down) if maps is not None))
        return state, self.classifier(self.features(state))

    def bottom_up(self, state: State) -> Sequence[Tensor]:
        """Maps of the bottom-up streams, from LGN to LOC."""
        return state[2:][: len(self.areas)]

    def top_down(self, state: State) -> Sequence[Tensor]:
        """Maps of the top-down streams, from LGN to LOC."""
        return state[2 + len(self.areas) :]

    def _pass(
        self, drive: Tensor, bottom_up: Sequence[Tensor | None], top_down: Sequence[Tensor | None]
    ) -> tuple[Sequence[Tensor | None], Sequence[Tensor | None]]:
        """All areas at once, from the streams' maps before it to those after it; None where nothing arrived yet.

        Where an area receives something, it receives something from below.
        """
        readout = None if bottom_up[-1] is None else self.readout(bottom_up[-1], self.classifier)
        above = (*top_down[1:], readout)
        now: list[tuple[Tensor | None, Tensor | None]] = []
        for number, area in enumerate(self.areas.values()):
            received = _of(area.from_below, bottom_up[number - 1]) if number else drive
            if number == V4:
                received = _sum(received, _of(area.skip, bottom_up[V1]))
            if received is None:
                now.append((None, None))
                continue
            feedback = _of(area.from_above, above[number], output_size=received.shape[-2:])
            if number == V1:
                feedback = _sum(feedback, _of(area.skip, top_down[V4]))
            driven = torch.zeros_like(received) if feedback is None else feedback
            now.append(
                (
                    area.bottom_up(received, _of(gate_of, feedback), bottom_up[number]),
                    area.top_down(driven, gate_of(received), top_down[number]),
                )
            )
        up, down = zip(*now, strict=True)
        return up, down


def _of(module: Callable[..., Tensor] | None, maps: Tensor | None, **options: Sequence[int]) -> Tensor | None:
    """What a connection carries: nothing if nothing was there; a convolution's bias would make something of zeros."""
    return None if maps is None or module is None else module(maps, **options)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    """Of two inputs, either of which may be absent."""
    if one is None or other is None:
        return other if one is None else one
    return one + other
