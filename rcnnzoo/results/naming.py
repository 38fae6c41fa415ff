"""Names of results, so that those of one trace don't overwrite each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import xarray as xr

from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.writing import file_name

LONGEST = 100
"""Characters of a folder's name."""


def file_stem(question: str, *, policy: str = POLICY, readout: str = READOUT) -> str:
    """The name of a result's files: that of the question, and whatever isn't as usual.

    >>> file_stem("sat"), file_stem("sat", policy="max-prob", readout="instantaneous")
    ('sat', 'sat-max-prob-instantaneous')
    """
    unusual = [name for name, usual in ((policy, POLICY), (readout, READOUT)) if name != usual]
    return "-".join([question, *unusual])


def folder_of(networks: Iterable[str]) -> str:
    """The name of a folder for what several networks have in common; long ones are cut, and told apart by a hash.

    >>> folder_of(["bl-digits-seed0", "runs/b"])
    'bl-digits-seed0+runs-b'
    """
    names = "+".join(file_name(name) for name in networks)
    if len(names) <= LONGEST:
        return names
    return f"{names[:LONGEST]}-{hashlib.sha256(names.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def images_of(trace: xr.Dataset) -> str:
    """Which images a trace is of, for a title."""
    return f"{trace.attrs['data']} {trace.attrs['split']}"
