"""Checks of what a policy, possibly a third party's, returns and accepts, before it decides anything."""

from __future__ import annotations

import torch
from torch import Tensor

from rcnnzoo import plugins
from rcnnzoo.errors import OptionError, PluginError
from rcnnzoo.policies.contract import ExitPolicy


def checked_scores(rule: ExitPolicy, probabilities: Tensor, name: str) -> Tensor:
    """A policy's scores [..., T] in float32.

    Raises:
        PluginError: They are not numbers, or have another shape; the message names the policy and its package.
    """
    scores = unchecked_scores(rule, probabilities, name)
    if scores.isnan().any():
        raise not_a_number(name)
    return scores


def unchecked_scores(rule: ExitPolicy, probabilities: Tensor, name: str) -> Tensor:
    """A policy's scores [..., T] in float32, values unchecked: on a GPU, checking them would wait for the device.

    Raises:
        PluginError: They are not a tensor, or have another shape.
    """
    scores: object = rule.scores(probabilities)  # its promise is what is checked here
    if not isinstance(scores, Tensor):
        raise PluginError(f"{_named(name)} gave a {type(scores).__name__} for scores: a tensor is needed")
    if scores.shape != probabilities.shape[:-1]:
        raise PluginError(
            f"{_named(name)} gave scores of shape {list(scores.shape)} for probabilities of shape "
            f"{list(probabilities.shape)}: one score per step is needed"
        )
    if scores.dtype == torch.bool:
        raise PluginError(
            f"{_named(name)} gave true or false for scores: numbers are needed, which are compared with the threshold"
        )
    return scores.float()


def not_a_number(name: str) -> PluginError:
    """The error about a score that is NaN."""
    return PluginError(f"{_named(name)} gave a score that is not a number (NaN)")


def check_threshold(rule: ExitPolicy, name: str, threshold: float, categories: int, steps: int) -> None:
    """Refuse a threshold that no score can reach; a score's rounding may take it a little beyond the bounds.

    Raises:
        OptionError: It is outside the policy's bounds.
    """
    low, high = rule.bounds(categories, steps)
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    if not (low - slack <= threshold <= high + slack or abs(threshold) == float("inf")):
        bounds = f"{low:.9g} to {high:.9g} ({rule.unit}), or inf or -inf"
        raise OptionError(f"`threshold` {threshold:g} is outside {name}'s bounds: take {bounds}")


def _named(name: str) -> str:
    """A policy, with the package that it comes from."""
    package = plugins.package_of("policies", name)
    return f"policy {name!r} of {package}" if package else f"policy {name!r}"
