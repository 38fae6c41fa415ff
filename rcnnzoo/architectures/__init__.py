"""Networks: each is a named recipe. `contract.RecurrentModel` says what every network must do.

This module is the plugin that registers the built-in ones; it imports no network.
"""

from __future__ import annotations

from rcnnzoo.hookspecs import Architecture, hookimpl


@hookimpl
def rcnnzoo_architectures() -> list[Architecture]:
    """The five networks of Spoerer et al. 2019, two with top-down connections, and the sequel's control B-U."""
    here = "rcnnzoo.architectures.spoerer"
    return [
        Architecture("b", "feedforward, seven layers", f"{here}:B.build", steps=1, presentable=True),
        Architecture("b-k", "feedforward, larger kernels", f"{here}:B_K.build", steps=1, presentable=True),
        Architecture("b-f", "feedforward, twice the feature maps", f"{here}:B_F.build", steps=1, presentable=True),
        Architecture("b-d", "feedforward, twice the layers", f"{here}:B_D.build", steps=1, presentable=True),
        Architecture("bl", "lateral recurrence in every layer", f"{here}:BL.build", presentable=True),
        Architecture("bt", "top-down recurrence between neighbouring layers", f"{here}:BT.build", presentable=True),
        Architecture("blt", "lateral and top-down recurrence", f"{here}:BLT.build", presentable=True),
        Architecture("b-u", "bl unrolled, its weights not shared over time", f"{here}:B_U.build", presentable=True),
    ]
