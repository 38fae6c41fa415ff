"""Which parts of a network are trained, and which are only evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from rcnnzoo.architectures.card import name_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.errors import OptionError


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """While it lasts, a network is in evaluation mode; then each module is as it was, some may be frozen.

    >>> network = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    >>> with evaluating(network):
    ...     print([module.training for module in network])
    [False, False]
    >>> [module.training for module in network]
    [True, False]
    """
    training_before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in training_before.items():
            module.training = training


def freeze_all_but_classifiers(model: RecurrentModel) -> None:
    """Train only the weights of `classifier`.

    Raises:
        OptionError: The network has no module of that name.
    """
    classifier = getattr(model, "classifier", None)
    if not isinstance(classifier, nn.Module):
        raise OptionError(
            f"`classifiers_only`: {name_of(model)} has no module 'classifier', so all of it must be trained"
        )
    model.requires_grad_(False)
    classifier.requires_grad_(True)


def evaluate_all_but_classifiers(model: RecurrentModel) -> None:
    """Put everything else in evaluation mode: statistics of batch norm then stay as they are."""
    model.eval()
    model.get_submodule("classifier").train()
