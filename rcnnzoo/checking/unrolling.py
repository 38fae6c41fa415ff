"""What checks of networks have in common: unrolling them, and comparing what they give."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.checking.rows import Fault

KEEP_NOTHING = "keep nothing on self between calls: put it in the state"
TOLERANCE = 1e-4  # of the largest value: well above what rounding does in float32, well below what a mistake does


def attributes(network: nn.Module) -> dict[str, object]:
    """What is kept on a network and its modules, apart from weights."""
    return {
        f"{path}.{name}".lstrip("."): value
        for path, module in network.named_modules()
        for name, value in vars(module).items()
    }


def unrolled(network: RecurrentModel, images: Tensor) -> Iterator[tuple[State, Tensor]]:
    """State and logits of each step."""
    state = network.begin(images)
    for t in range(network.num_steps):
        state, logits = network.step(state, t)
        yield state, logits


def expect_close(found: Tensor, expected: Tensor, words: str) -> None:
    """Raise a `Fault` with these words unless two tensors agree within rounding."""
    apart = distance(found, expected)
    if not apart <= TOLERANCE:
        raise Fault(f"{words} (by up to {apart:.2g} of the largest)")


def distance(found: Tensor, expected: Tensor) -> float:
    """The largest difference, as a part of the largest value; infinite between different shapes."""
    if found.shape != expected.shape:
        return float("inf")
    if found.numel() == 0 or torch.equal(found, expected):
        return 0.0
    found, expected = found.double(), expected.double()
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12))
