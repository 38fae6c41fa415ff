"""The hGRU (Linsley et al. 2018, arXiv 1805.08315) as Goetschalckx et al. (2023, arXiv 2306.11582) trained it.

A layer of maps whose units are connected to those around them. In each time step these horizontal connections first
inhibit (H1 in the paper), then excite (H2), and gates decide how much of H2 is replaced. Equations are those of
`models/hgru.py` in serre-lab/rnn_rts, which differ from those of 2018: softplus in place of tanh, also of the mixture
of the old and the new H2, and batch normalisation of both horizontal convolutions. Letters: rcnnzoo's `contract`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from rcnnzoo.plugin import OptionError, RecurrentModel, State

MAPS = 25
"""Feature maps at width 1."""

EPSILON = 1e-3
"""Added to variances by batch normalisation."""

COLOURS = (0, 1, 2)
"""The network's input channels as channels of the images: red, green, blue."""

CUED = (0, 1, 1, 2)
"""The same for a grey drawing in red and green and cues in blue: the published networks take four channels."""


def build(*, categories: int, image_size: int, width: float, steps: int) -> HGRU:
    """An untrained network for images in colour, with the paper's kernels of 15x15.

    Raises:
        OptionError: `width` leaves no feature maps.
    """
    return HGRU(COLOURS, _maps(width), 15, categories, steps)


def build_cued(*, categories: int, image_size: int, width: float, steps: int) -> HGRU:
    """An untrained network for drawings with cues, with kernels of 5x5 as in the published networks.

    Raises:
        OptionError: `width` leaves no feature maps.
    """
    return HGRU(CUED, _maps(width), 5, categories, steps)


def _maps(width: float) -> int:
    maps = round(MAPS * width)
    if maps < 1:
        raise OptionError(f"`width` {width:g} leaves no feature maps: take at least {0.6 / MAPS:.3g}")
    return maps


class HGRU(RecurrentModel):
    """A convolution, squared; the recurrent layer; and a classifier of one normalised map per category.

    Args:
        channels: The network's input channels, as channels of the images.
        maps: Feature maps.
        kernel: Size of the horizontal kernels.
        categories: How many.
        num_steps: Time steps T.
    """

    def __init__(self, channels: tuple[int, ...], maps: int, kernel: int, categories: int, num_steps: int) -> None:
        super().__init__()
        self.num_steps = num_steps
        self.channels = list(channels)
        self.bottom_up = nn.Conv2d(len(channels), maps, 7, padding=3)
        self.horizontal = Horizontal(maps, kernel)
        self.readout = nn.Conv2d(maps, categories, 1)
        self.readout_norm = nn.BatchNorm2d(categories, eps=EPSILON)
        self.classifier = nn.Linear(categories, categories)
        nn.init.xavier_normal_(self.readout.weight)
        assert self.readout.bias is not None
        nn.init.constant_(self.readout.bias, math.log(99))
        nn.init.xavier_normal_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def begin(self, images: Tensor) -> State:
        """The image's drive, the same at every step, and an H2 of zero: both [B, K, H, W]."""
        drive = self._drive(images)
        return drive, torch.zeros_like(drive)

    def _drive(self, images: Tensor) -> Tensor:
        drive: Tensor = self.bottom_up((images[:, self.channels] + 1) / 2).square()
        return drive

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """The next H2, and logits [B, C]; the state is the drive and H2 [B, K, H, W]."""
        drive, excited = state
        state = (drive, self.horizontal(drive, excited))
        return state, self.classifier(self.features(state))

    def present(self, state: State, images: Tensor) -> State:
        """H2 stays; the drive is that of other images."""
        return (self._drive(images), *state[1:])

    def activations(self, state: State) -> dict[str, Tensor]:
        """H2, the maps after excitation [B, K, H, W]."""
        return {"excitation": state[1]}

    def features(self, state: State) -> Tensor:
        """One normalised map per category, averaged over space: [B, C]."""
        averaged: Tensor = self.readout_norm(self.readout(state[1])).mean(dim=(-2, -1))
        return averaged


class Horizontal(nn.Module):
    """One step of inhibition and excitation between neighbouring units.

    Batch norm is shared by all steps, as in the published networks.

    Args:
        maps: Feature maps.
        kernel: Size of the horizontal kernels.
    """

    def __init__(self, maps: int, kernel: int) -> None:
        super().__init__()
        self.inhibition_gate = nn.Conv2d(maps, maps, 1)
        self.inhibition = nn.Conv2d(maps, maps, kernel, padding=kernel // 2, bias=False)
        self.inhibition_norm = nn.BatchNorm2d(maps, eps=EPSILON)
        self.excitation_gate = nn.Conv2d(maps, maps, 1)
        self.excitation = nn.Conv2d(maps, maps, kernel, padding=kernel // 2, bias=False)
        self.excitation_norm = nn.BatchNorm2d(maps, eps=EPSILON)
        # The paper's Greek letters: how strongly each map's sums and products count.
        self.alpha, self.mu, self.gamma, self.kappa, self.omega = (
            nn.Parameter(torch.full((maps, 1, 1), value)) for value in (0.1, 1.0, 1.0, 0.5, 0.5)
        )
        for convolution in (self.inhibition_gate, self.inhibition, self.excitation_gate, self.excitation):
            nn.init.orthogonal_(convolution.weight)
        for norm in (self.inhibition_norm, self.excitation_norm):
            nn.init.constant_(norm.weight, 0.1)
        # The authors' code takes the logarithm of this bias, but drops the result: the bias stays as it was drawn.
        assert self.inhibition_gate.bias is not None
        assert self.excitation_gate.bias is not None
        nn.init.uniform_(self.inhibition_gate.bias, 1, 7)
        with torch.no_grad():
            self.excitation_gate.bias.copy_(-self.inhibition_gate.bias)

    def forward(self, drive: Tensor, excited: Tensor) -> Tensor:
        """The next H2 from the drive and from H2: all [B, K, H, W]."""
        gated = torch.sigmoid(self.inhibition_gate(excited)) * excited
        inhibition = self.inhibition_norm(self.inhibition(gated)) * (self.alpha * excited + self.mu)
        inhibited = softplus(drive - softplus(inhibition))
        replaced = torch.sigmoid(self.excitation_gate(inhibited))
        excitation = self.excitation_norm(self.excitation(inhibited))
        candidate = softplus(self.kappa * inhibited + self.gamma * excitation + self.omega * inhibited * excitation)
        return softplus((1 - replaced) * excited + replaced * candidate)
