"""CORnet-RT and CORnet-S. The plugin that adds them and the format of their weights; it imports nothing heavy."""

from __future__ import annotations

from rcnnzoo.plugin import Architecture, Format, hookimpl


@hookimpl
def rcnnzoo_architectures() -> list[Architecture]:
    """Two networks."""
    return [
        Architecture(
            "cornet-rt",
            "CORnet-RT: V1, V2, V4 and IT, each recurrent, all at once (Kubilius et al. 2018)",
            "rcnnzoo_cornet.recurrent:build",
            steps=2,
            presentable=True,
        ),
        Architecture(
            "cornet-s",
            "CORnet-S: V1, V2, V4 and IT in turn, time steps in IT (Kubilius et al. 2019)",
            "rcnnzoo_cornet.sequential:build",
            steps=2,
        ),
    ]


@hookimpl
def rcnnzoo_formats() -> list[Format]:
    """The files of their authors."""
    return [
        Format(
            "cornet",
            "weights of CORnet-RT and CORnet-S (github.com/dicarlolab/CORnet)",
            "rcnnzoo_cornet.importing:read_cornet",
            architectures=("cornet-rt", "cornet-s"),
            files="torch, .pth",
            licence="GPL-3.0",
            ordered_as=("imagenet",),
        )
    ]
