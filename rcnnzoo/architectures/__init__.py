"""Networks: each is a named recipe. `contract.RecurrentModel` says what every network must do.

This module is the plugin that registers the built-in ones; it imports no network.
"""

from __future__ import annotations

from rcnnzoo.hookspecs import Architecture, hookimpl

_HOME = "rcnnzoo.architectures.spoerer"


@hookimpl
def rcnnzoo_architectures() -> list[Architecture]:
    """The five networks of Spoerer et al. 2019, two with top-down connections, and the sequel's control B-U."""
    return [
        Architecture("b", "feedforward, seven layers", f"{_HOME}:B.build", steps=1),
        Architecture("b-k", "feedforward, larger kernels", f"{_HOME}:B_K.build", steps=1),
        Architecture("b-f", "feedforward, twice the feature maps", f"{_HOME}:B_F.build", steps=1),
        Architecture("b-d", "feedforward, twice the layers", f"{_HOME}:B_D.build", steps=1),
        Architecture("bl", "lateral recurrence in every layer", f"{_HOME}:BL.build"),
        Architecture("bt", "top-down recurrence between neighbouring layers", f"{_HOME}:BT.build"),
        Architecture("blt", "lateral and top-down recurrence", f"{_HOME}:BLT.build"),
        Architecture("b-u", "bl unrolled, its weights not shared over time", f"{_HOME}:B_U.build"),
    ]
