"""Networks that have shapes but no values, so that a pass through them takes almost no time."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def without_values(model: AnyModule) -> AnyModule:
    """A copy in evaluation mode on torch's `meta` device; the values are not copied on the way.

    >>> from rcnnzoo.architectures.build import build
    >>> net = without_values(build("b", categories=10, image_size=32, width=1 / 16))
    >>> net(blank_image(net))
    tensor(..., device='meta', size=(1, 1, 10), grad_fn=<StackBackward0>)
    """
    empty: dict[int, Tensor] = {id(p): nn.Parameter(p.to("meta"), p.requires_grad) for p in model.parameters()}
    empty |= {id(buffer): buffer.to("meta") for buffer in model.buffers()}
    network = deepcopy(model, memo=empty).eval()
    for module in network.modules():  # hooks that watch the network must not see this copy
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    return network


def blank_image(model: RecurrentModel, size: Sequence[int] | None = None) -> Tensor:
    """An image [1, 3, H, W] without values, of a size (height, width), by default that of the network.

    Raises:
        OptionError: No size is given, and the network has no card that says one.
    """
    height, width = size or [card_of(model).image_size] * 2
    return torch.empty(1, 3, height, width, device="meta")
