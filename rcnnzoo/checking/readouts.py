"""What every readout must do: give probabilities, for each image by itself, and causally."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from rcnnzoo.checking.rows import Fault, Row, Unusable, on_all, run_all
from rcnnzoo.readouts.lookup import readout

Rule = Callable[[Tensor], Tensor]
OnLogits = Callable[[Rule, Tensor], None]
ROUNDING = 1e-5


def check_readout(name: str) -> Iterator[Row]:
    """One row per check of the readout of that name; only the first if it can't be imported."""
    checks = {check: on_all(of_logits, examples) for check, of_logits in CHECKS.items()}
    return run_all(f"readout {name}", "imported", lambda: readout(name), checks)


def examples() -> Iterator[Tensor]:
    """Logits [B, T, C], small and large, of few and many steps and categories."""
    generator = torch.Generator().manual_seed(0)
    for steps, categories in ((1, 2), (2, 3), (8, 10)):
        for scale in (0.0, 1.0, 200.0):
            yield scale * torch.randn(4, steps, categories, generator=generator)


def gives_probabilities(rule: Rule, logits: Tensor) -> None:
    """[..., T, C] in float32, none below 0, that sum to 1; the logits stay as they are."""
    given = logits.clone()
    found: object = rule(given)
    if not isinstance(found, Tensor):
        raise Unusable(f"it gives a {type(found).__name__}: a tensor is needed")
    if found.shape != logits.shape:
        raise Unusable(f"it gives {list(found.shape)} for logits {list(logits.shape)}: the same shape is needed")
    if found.dtype != torch.float32:
        raise Fault(f"it gives {found.dtype}: float32 is needed")
    if not torch.equal(given, logits):
        raise Fault("it changes the logits that it is given: work on a copy")
    total = found.sum(dim=-1)
    if not ((total - 1).abs() < ROUNDING).all():
        worst = float(total.flatten()[(total - 1).abs().flatten().argmax()])
        raise Fault(f"probabilities sum to {worst:g}, not to 1")
    if (found < 0).any():
        raise Fault(f"a probability is {float(found.min()):g}")


def is_causal(rule: Rule, logits: Tensor) -> None:
    """A step's probabilities depend on no later one: neither on its presence nor on its values."""
    probabilities = rule(logits)
    for t in range(1, logits.shape[-2]):
        words = f"it is not causal: the probabilities of step {t - 1} change"
        _expect_close(rule(logits[..., :t, :]), probabilities[..., :t, :], f"{words} when later steps are left out")
        other = logits.clone()
        other[..., t:, :] = 0
        _expect_close(rule(other)[..., :t, :], probabilities[..., :t, :], f"{words} with later steps")


def images_are_read_alone(rule: Rule, logits: Tensor) -> None:
    """An image's probabilities don't depend on the other images of its batch."""
    probabilities = rule(logits)
    for row in range(len(logits)):
        words = "an image's probabilities depend on the other images of its batch"
        _expect_close(rule(logits[[row]])[0], probabilities[row], words)


def computes_in_float32(rule: Rule, logits: Tensor) -> None:
    """Decisions must not depend on whether logits come from a trace or, in half precision, from the network."""
    half = logits.bfloat16()
    words = "logits in bfloat16 are not computed in float32: begin with logits.float()"
    if rule(half).dtype != torch.float32:
        raise Fault(words)
    _expect_close(rule(half), rule(half.float()), words)


CHECKS: dict[str, OnLogits] = {
    "probabilities": gives_probabilities,
    "causal": is_causal,
    "images are independent": images_are_read_alone,
    "half precision": computes_in_float32,
}


def _expect_close(found: Tensor, expected: Tensor, words: str) -> None:
    distance = float((found - expected).abs().max())
    if not distance <= ROUNDING:
        raise Fault(f"{words} (by up to {distance:.2g})")
