"""The hGRU. The plugin that adds it and the format of its published weights; it imports nothing heavy."""

from __future__ import annotations

from rcnnzoo.plugin import Architecture, Format, hookimpl


@hookimpl
def rcnnzoo_architectures() -> list[Architecture]:
    """The network for images in colour, and the published one."""
    return [
        Architecture(
            "hgru",
            "hGRU: horizontal connections that inhibit, then excite (Linsley et al. 2018)",
            "rcnnzoo_hgru.network:build",
            steps=8,
            presentable=True,
        ),
        Architecture(
            "hgru-cued",
            "hGRU for drawings with cues, the images' blue channel (Goetschalckx et al. 2023)",
            "rcnnzoo_hgru.network:build_cued",
            steps=40,
            presentable=True,
        ),
    ]


@hookimpl
def rcnnzoo_formats() -> list[Format]:
    """The files of Goetschalckx et al."""
    return [
        Format(
            "hgru",
            "weights of hGRUs (github.com/serre-lab/rnn_rts)",
            "rcnnzoo_hgru.importing:read_hgru",
            architectures=("hgru", "hgru-cued"),
            files="torch, .pth.tar, with its opts.json",
            licence="MIT",
        )
    ]
