"""Weights: one `.safetensors` file whose metadata rebuilds the network. No pickle is ever executed.

This module is the plugin that registers the built-in format of published weights.
"""

from __future__ import annotations

from rcnnzoo.hookspecs import Format, hookimpl


@hookimpl
def rcnnzoo_formats() -> list[Format]:
    """The files of the paper's authors."""
    return [
        Format(
            "rcnn-sat",
            "weights of Spoerer et al. 2020 (osf.io/mz9hw)",
            "rcnnzoo.weights.rcnn_sat:read_rcnn_sat",
            architectures=("b", "b-k", "b-f", "b-d", "bl"),
            files="Keras, .h5",
            ordered_as=("ecoset", "imagenet"),
        )
    ]
