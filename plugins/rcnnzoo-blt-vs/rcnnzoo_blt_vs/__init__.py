"""BLT-VS in its two unrollings, and the format of its published weights; this module imports nothing heavy."""

from __future__ import annotations

from rcnnzoo.plugin import Architecture, Format, hookimpl


@hookimpl
def rcnnzoo_architectures() -> list[Architecture]:
    """One network, unrolled in two ways."""
    return [
        Architecture(
            "blt-vs",
            "BLT-VS: bottom-up and top-down streams of the ventral stream, one sweep of each per time step",
            "rcnnzoo_blt_vs.building:build_sweeping",
            steps=6,
            presentable=True,
        ),
        Architecture(
            "blt-vs-biological",
            "BLT-VS, signals moving on by one area per time step",
            "rcnnzoo_blt_vs.building:build_biological",
            steps=8,
            presentable=True,
        ),
    ]


@hookimpl
def rcnnzoo_formats() -> list[Format]:
    """The files of the authors."""
    return [
        Format(
            "blt-vs",
            "weights of BLT-VS (huggingface.co/novelmartis/blt_vs_model)",
            "rcnnzoo_blt_vs.weights:read_blt_vs",
            architectures=("blt-vs", "blt-vs-biological"),
            files="torch, .pth",
            licence="MIT",
            ordered_as=("imagenet",),
        )
    ]
