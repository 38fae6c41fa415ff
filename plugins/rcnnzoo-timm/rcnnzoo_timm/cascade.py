"""A residual network as a cascade: all blocks run at every step, each on what it received at the step before.

What goes around a block, its shortcut, arrives at once; what goes through it, its residual, arrives one step later. At
the first step only the shortcuts reach the classifier, at each later one the residuals of one more block are final, and
one step after the last block the network gives what it gives without delays.

Source: Iuzzolino, Mozer & Bengio 2021, Improving anytime prediction with parallel cascaded networks and a
temporal-difference loss (arXiv 2102.09808), with a delay of one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import Tensor, nn

from rcnnzoo.plugin import BatchNormByStep, OptionError, State
from rcnnzoo_timm.network import OfBackbone

RESIDUALS = {
    BasicBlock: "conv1 bn1 drop_block act1 aa conv2 bn2 se drop_path",
    Bottleneck: "conv1 bn1 act1 conv2 bn2 drop_block act2 aa conv3 bn3 se drop_path",
}
"""The order in which timm's blocks call what leads to their residual."""
LAST = {BasicBlock: "act2", Bottleneck: "act3"}
"""The nonlinearity after residual and shortcut are added."""


class ByStep(nn.ModuleList):
    """Modules one after the other, of which batch norms have statistics of their own at each step."""

    def __init__(self, modules: Sequence[nn.Module | None], num_steps: int, first_step: int) -> None:
        there = (module for module in modules if module is not None)
        super().__init__(_by_step(module, num_steps, first_step) for module in there)

    def forward(self, x: Tensor, t: int | Tensor) -> Tensor:
        """Maps [B, K, H, W] -> maps, at step t."""
        for module in self:
            x = module(x, t) if isinstance(module, BatchNormByStep) else module(x)
        return x


def _by_step(module: nn.Module, num_steps: int, first_step: int) -> nn.Module:
    """A batch norm with its weights and statistics at each step; any other module is itself."""
    if getattr(module, "inplace", False) is True:
        setattr(module, "inplace", False)  # noqa: B010 - what a step leaves behind must not change in the next
    if type(module) is not nn.BatchNorm2d:
        return module
    norms = BatchNormByStep(module.num_features, num_steps, module.eps, first_step)
    for norm in norms:
        norm.load_state_dict(module.state_dict())
        norm.momentum = module.momentum
    return norms


class Block(nn.Module):
    """A residual block, cut into what arrives at once and what arrives a step later."""

    def __init__(self, block: Any, num_steps: int) -> None:
        super().__init__()
        kind = type(block)
        names = RESIDUALS[kind].split()
        self.residual = ByStep([getattr(block, name, None) for name in names], num_steps, first_step=1)
        self.shortcut = ByStep(list(block.downsample or ()), num_steps, first_step=0)
        self.activation = _by_step(getattr(block, LAST[kind]), num_steps, 0)

    def forward(self, now: Tensor, before: Tensor | None, t: int | Tensor) -> Tensor:
        """What the block gives at step t, [B, K, H, W], from what it receives now and received the step before."""
        given = self.shortcut(now, t)
        if before is not None:
            given = given + self.residual(before, t)
        activated: Tensor = self.activation(given)
        return activated


class Cascade(OfBackbone):
    """A residual network whose blocks all run at every step.

    The state holds what the stem gives, what each block received at this step, and the classifier's inputs.

    Args:
        backbone: One of timm's residual networks; its modules are taken over.
        num_steps: Time steps T.
        mean: Mean of the images that the backbone is meant for, one per colour, of values in [0, 1].
        std: Their standard deviation.
        categories: How many.
    """

    def __init__(
        self, backbone: ResNet, num_steps: int, mean: Sequence[float], std: Sequence[float], categories: int
    ) -> None:
        super().__init__(mean, std)
        self.num_steps = num_steps
        self.stem = nn.Sequential(backbone.conv1, backbone.bn1, backbone.act1, backbone.maxpool)
        self.blocks = nn.ModuleList(Block(block, num_steps) for block in blocks_of(backbone))
        self.classifier = nn.Linear(backbone.num_features, categories)

    def begin(self, images: Tensor) -> State:
        """What the stem gives, which doesn't change over time: [B, K, H, W]."""
        return (self.stem(self.normalised(images)),)

    def present(self, state: State, images: Tensor) -> State:
        """The same memory behind another stem: what blocks received at the step before stays."""
        return (*self.begin(images), *state[1:])

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """All blocks at step t, and the classifier on the last one's maps, averaged over space."""
        stem, *received = state
        now, receives = stem, []
        for number, block in enumerate(self.blocks):
            receives.append(now)
            now = block(now, received[number] if received else None, t)
        seen = now.mean(dim=(-2, -1))
        return (stem, *receives, seen), self.classifier(seen)

    def features(self, state: State) -> Tensor:
        """The last block's maps, averaged over space: [B, F]."""
        return state[-1]

    def activations(self, state: State) -> dict[str, Tensor]:
        """The stem's maps, those of each block but the last at this step, and the last one's averaged over space."""
        _, stem, *maps, average = state
        blocks = {f"block{number}": of_block for number, of_block in enumerate(maps, 1)}
        return {"stem": stem, **blocks, f"block{len(self.blocks)}": average}


def blocks_of(backbone: nn.Module) -> list[nn.Module]:
    """The residual blocks of one of timm's residual networks, the lowest first.

    Raises:
        OptionError: It is another kind of network.
    """
    layers = ("layer1", "layer2", "layer3", "layer4")
    blocks = [block for name in layers if isinstance(backbone, ResNet) for block in getattr(backbone, name)]
    if not blocks or not all(type(block) in RESIDUALS for block in blocks):
        raise OptionError(
            f"`cascaded`: {type(backbone).__name__} can't be run as a cascade: take one of timm's residual networks, "
            "such as resnet18 or resnext50_32x4d"
        )
    return blocks
