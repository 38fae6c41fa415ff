"""Exit policies by name."""

from __future__ import annotations

from typing import cast

from rcnnzoo import plugins
from rcnnzoo.policies.contract import ExitPolicy

DEFAULT = "entropy"


def policy(name: str = DEFAULT) -> ExitPolicy:
    """The exit policy of that name.

    Raises:
        UnknownName: There is no such policy.

    >>> import torch
    >>> policy("entropy").scores(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    tensor([0.6931, 0.0000])
    """
    return cast(ExitPolicy, plugins.look_up("policies", name).load()())
