"""Names of results, so that those of one trace don't overwrite each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

from rcnnzoo.devices import PRECISION
from rcnnzoo.engine.conditions import Conditions
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.text import counted
from rcnnzoo.writing import file_name

LONGEST = 100
"""Characters of a folder's name."""


def file_stem(question: str, *, policy: str = POLICY, readout: str = READOUT, precision: str = PRECISION) -> str:
    """The name of a result's files: that of the question, and whatever differs from the defaults.

    >>> file_stem("sat"), file_stem("sat", policy="max-prob", readout="instantaneous")
    ('sat', 'sat-max-prob-instantaneous')
    """
    chosen = ((policy, POLICY), (readout, READOUT), (precision, PRECISION))
    unusual = [name for name, usual in chosen if name != usual]
    return "-".join([question, *unusual])


def folder_of(networks: Iterable[str]) -> str:
    """The name of a folder for results of some networks; a hash tells apart names that were cut or changed.

    >>> folder_of(["bl-digits-seed0", "b"]), folder_of(["runs/b"])
    ('bl-digits-seed0+b', 'runs-b-5c4e6666')
    """
    names = "+".join(networks)
    name = file_name(names)[:LONGEST]
    if name == names:
        return name
    return f"{name}-{hashlib.sha256(names.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def rule_of(policy: str, readout: str) -> str:
    """By what images stop, for a title."""
    return f"exit by {policy}, {readout} readout"


def images_of(trace: xr.Dataset) -> str:
    """Which images a trace is of, for a title; it says so if the network was trained on them, or run otherwise."""
    return ", ".join([_images(trace), *conditions_of(trace)])


def images_of_all(traces: Mapping[str, xr.Dataset]) -> str:
    """The same for networks, by name, on the same images, which may have been run under different conditions."""
    first = next(iter(traces.values()))
    conditions = {name: conditions_of(trace) for name, trace in traces.items()}
    if all(each == conditions_of(first) for each in conditions.values()):
        return images_of(first)
    told = (f"{name}: {' and '.join(each) or 'run as usual'}" for name, each in conditions.items())
    return f"{_images(first)} ({'; '.join(told)})"


def _images(trace: xr.Dataset) -> str:
    trained_on = {True: " (images it was trained on)", None: " (it may have been trained on some of these)"}
    return f"{trace.attrs['data']} {trace.attrs['split']}{trained_on.get(trace.attrs.get('trained_on', False), '')}"


def conditions_of(trace: xr.Dataset) -> list[str]:
    """Under which conditions the network was run, in words, if they are not the usual ones."""
    steps, attributes = trace.sizes["step"], trace.attrs
    return _unusual(attributes, steps, attributes.get("trained_steps", steps))


def in_words(conditions: Conditions, trained_steps: int) -> list[str]:
    """The same of conditions that a network with this number of time steps is run under."""
    return _unusual(conditions.identity(trained_steps), conditions.programme(trained_steps).steps, trained_steps)


def _unusual(attributes: Mapping[str, Any], steps: int, trained: int) -> list[str]:
    words = []
    if attributes.get("stimulus", f"image:{steps}") not in (f"image:{steps}", None):
        words.append(f"shown {attributes['stimulus']}")
    if steps != trained:
        words.append(f"{counted(steps, 'step')} (trained for {trained})")
    if attributes.get("norm_step") is not None:
        words.append(f"batch norm of step {attributes['norm_step']}")
    return words + [f"without {lesion}" for lesion in attributes.get("lesions", [])]
