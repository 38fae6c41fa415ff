"""A backbone with a classifier at each of its stages, as a network of the zoo. Letters: rcnnzoo's `contract`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rcnnzoo.plugin import RecurrentModel, State
from rcnnzoo_timm.stages import Stage


class OfBackbone(RecurrentModel):
    """A network that gives its backbone the images as that requires them.

    Args:
        mean: Mean of the images that the backbone is meant for, one per colour, of values in [0, 1].
        std: Their standard deviation.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        # Saved with the weights: another version of timm may have other numbers for the same name.
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])

    def normalised(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] in [-1, 1] as the backbone requires them."""
        return ((images + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("std")


class MultiExit(OfBackbone):
    """Each time step runs one more stage, and that stage's own classifier on its output.

    Args:
        stages: A backbone's, the lowest first.
        space: Dimensions of a feature [B, ...] that are averaged over.
        channels: Its other dimension.
        mean: Mean of the images that the backbone is meant for, one per colour, of values in [0, 1].
        std: Their standard deviation.
        categories: How many.
    """

    rows_mix_steps = False

    def __init__(
        self,
        stages: Sequence[Stage],
        space: tuple[int, ...],
        channels: int,
        mean: Sequence[float],
        std: Sequence[float],
        categories: int,
    ) -> None:
        super().__init__(mean, std)
        self.num_steps = len(stages)
        self.space = space
        self.taken = [stage.taken for stage in stages]
        self.stages = nn.ModuleList(stage.run for stage in stages)
        self.classifier = nn.ModuleList(nn.Linear(stage.feature[channels - 1], categories) for stage in stages)

    def begin(self, images: Tensor) -> State:
        """The images as the backbone requires them: [B, 3, H, W]."""
        return (self.normalised(images),)

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """Run stage t.

        state: what later stages need of those that ran, then the classifier's inputs. Returns the next state and the
        logits [B, C].
        """
        assert isinstance(t, int)
        *handed_on, feature = self.stages[t](*state[: self.taken[t]])
        seen = feature.mean(dim=self.space)
        return (*handed_on, seen), self.classifier[t](seen)

    def features(self, state: State) -> Tensor:
        """The stage's feature, averaged over space: [B, F]."""
        return state[-1]
