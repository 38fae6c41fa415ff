"""What every exit policy must do, so that decisions and curves can be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from rcnnzoo.checking.rows import Fault, Row, Unusable, change, on_all, run_all, told
from rcnnzoo.policies.checks import unchecked_scores
from rcnnzoo.policies.contract import ExitPolicy
from rcnnzoo.policies.lookup import policy

ATTRIBUTES = ("direction", "unit", "scores", "bounds")
ROUNDING = 1e-5
REMEMBER_NOTHING = "keep nothing between calls"
OnProbabilities = Callable[[ExitPolicy, Tensor], None]


def check_policy(name: str) -> Iterator[Row]:
    """One row per check of the exit policy of that name; only the first if it can't be made."""
    checks = {check: on_all(of_probabilities, examples) for check, of_probabilities in CHECKS.items()}
    return run_all(f"policy {name}", "made", lambda: _made(name), checks)


def examples() -> Iterator[Tensor]:
    """Probabilities [B, T, C] in float32, from undecided to certain, of few and many steps and categories."""
    generator = torch.Generator().manual_seed(0)
    for steps, categories in ((1, 2), (2, 3), (8, 10), (5, 100)):
        for scale in (0.0, 1.0, 5.0, 200.0):
            yield torch.softmax(scale * torch.randn(4, steps, categories, generator=generator), dim=-1)


def _made(name: str) -> ExitPolicy:
    try:
        rule = policy(name)
    except TypeError as error:
        raise Fault(f"{told(error)}: the target is called without arguments, and gives the policy") from error
    missing = [name for name in ATTRIBUTES if not hasattr(rule, name)]
    if missing:
        raise Fault(f"it has no {' or '.join(missing)}")
    for method in (rule.scores, rule.bounds):
        if not callable(method):
            raise Fault(f"{method!r} can't be called: scores and bounds are methods")
    if rule.direction not in ("below", "above"):
        raise Fault(f'direction is {rule.direction!r}: "below" or "above", the side on which the network is sure')
    if not isinstance(rule.unit, str) or not rule.unit:
        raise Fault(f'unit is {rule.unit!r}: a word is needed, like "nats"')
    return rule


def scores_repeat_themselves(rule: ExitPolicy, probabilities: Tensor) -> None:
    """The same probabilities get the same scores twice; otherwise nothing could be compared."""
    before = _attributes(rule)
    try:
        first = _scores(rule, probabilities)
    except Fault:
        return  # not even once: the next check says why
    try:
        second = _scores(rule, probabilities)
    except Exception as error:
        raise Unusable(
            f"a second call fails ({told(error)}){change(before, _attributes(rule))}: {REMEMBER_NOTHING}"
        ) from error
    if not _are_close(first, second):
        raise Unusable(
            f"two calls give different scores{change(before, _attributes(rule))}: use no random numbers, "
            f"and {REMEMBER_NOTHING}"
        )


def _attributes(rule: ExitPolicy) -> dict[str, object]:
    """What is kept on it; nothing where a class has slots."""
    return {**getattr(rule, "__dict__", {})}


def scores_have_a_shape(rule: ExitPolicy, probabilities: Tensor) -> None:
    """[B, T, C] in float32 -> [B, T]; the probabilities stay as they are."""
    given = probabilities.clone()
    _scores(rule, given)
    if not torch.equal(given, probabilities):
        raise Fault("scores changes the probabilities that it is given: work on a copy")


def scores_are_numbers(rule: ExitPolicy, probabilities: Tensor) -> None:
    """Scores may be infinite, but a network would never stop at one that is NaN."""
    wrong = _scores(rule, probabilities).isnan()
    if wrong.any():
        step = ", ".join(f"{probability:g}" for probability in probabilities[wrong][0][:3])
        more = ", ..." if probabilities.shape[-1] > 3 else ""
        raise Fault(f"a score is not a number (NaN), at a step with the probabilities {step}{more}")


def leading_dimensions_do_not_matter(rule: ExitPolicy, probabilities: Tensor) -> None:
    """[..., T, C] -> [..., T]."""
    scores = _scores(rule, probabilities)
    advice = "count dimensions from the end"
    more = _scores(rule, probabilities.unflatten(0, (2, -1))).flatten(0, 1)
    _expect_close(more, scores, f"scores of [2, 2, T, C] differ from those of [4, T, C]: {advice}")
    _expect_close(
        _scores(rule, probabilities[0]), scores[0], f"scores of [T, C] differ from those in a batch: {advice}"
    )


def scores_are_causal(rule: ExitPolicy, probabilities: Tensor) -> None:
    """A step's score depends on no later one: neither on its presence nor on its values."""
    scores = _scores(rule, probabilities)
    for t in range(1, probabilities.shape[-2]):
        words = f"it is not causal: the score of step {t - 1} changes"
        cut = _scores(rule, probabilities[..., :t, :])
        _expect_close(cut, scores[..., :t], f"{words} when later steps are left out")
        other = probabilities.clone()
        other[..., t:, :] = 1 / probabilities.shape[-1]
        _expect_close(_scores(rule, other)[..., :t], scores[..., :t], f"{words} with later steps")


def images_are_scored_alone(rule: ExitPolicy, probabilities: Tensor) -> None:
    """An image's scores don't depend on the other images of its batch."""
    scores = _scores(rule, probabilities)
    for row in range(len(probabilities)):
        alone = _scores(rule, probabilities[[row]])[0]
        _expect_close(alone, scores[row], "an image's scores depend on the other images of its batch")


def scores_lie_within_bounds(rule: ExitPolicy, probabilities: Tensor) -> None:
    """`bounds(categories, steps)` are two numbers, and no score is outside them."""
    steps, categories = probabilities.shape[-2:]
    where = f"bounds({categories}, {steps})"
    try:
        bounds = rule.bounds(categories, steps)
    except TypeError as error:
        raise Fault(f"{told(error)}: it is called as {where}, categories and steps") from error
    if not isinstance(bounds, tuple) or len(bounds) != 2 or not all(math.isfinite(bound) for bound in bounds):
        raise Fault(f"{where} are {bounds!r}: two finite numbers are needed")
    low, high = bounds
    if low > high:
        raise Fault(f"{where} are {low:g} and {high:g}: the smaller one comes first")
    slack = ROUNDING * max(1.0, abs(low), abs(high))
    for score in _scores(rule, probabilities).flatten().tolist():
        if not math.isnan(score) and not low - slack <= score <= high + slack:
            raise Fault(f"a score of {score:g} is outside {where}, {low:g} to {high:g}: widen them, or clamp scores")


CHECKS: dict[str, OnProbabilities] = {
    "repeats itself": scores_repeat_themselves,
    "shape": scores_have_a_shape,
    "numbers": scores_are_numbers,
    "leading dimensions": leading_dimensions_do_not_matter,
    "causal": scores_are_causal,
    "images are independent": images_are_scored_alone,
    "bounds": scores_lie_within_bounds,
}


def _scores(rule: ExitPolicy, probabilities: Tensor) -> Tensor:
    try:
        return unchecked_scores(rule, probabilities, type(rule).__name__)
    except Exception as error:
        raise Unusable(told(error)) from error


def _are_close(found: Tensor, expected: Tensor) -> bool:
    scale = max(1.0, float(expected[expected.isfinite()].abs().max())) if expected.isfinite().any() else 1.0
    return torch.allclose(found, expected, rtol=0, atol=ROUNDING * scale, equal_nan=True)


def _expect_close(found: Tensor, expected: Tensor, words: str) -> None:
    if not _are_close(found, expected):
        raise Fault(f"{words} (by up to {float((found - expected).abs().max()):.2g})")
