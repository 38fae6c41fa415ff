"""rcnnzoo: recurrent convolutional networks of vision, trained, traced and stopped early.

The names below are imported when they are first used, so that `import rcnnzoo` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rcnnzoo.analysis.sat_curve import sat_curve
    from rcnnzoo.architectures.build import build
    from rcnnzoo.engine.conditions import run
    from rcnnzoo.engine.decide import decide
    from rcnnzoo.engine.prediction import read_images
    from rcnnzoo.policies.lookup import policy
    from rcnnzoo.readouts.lookup import readout
    from rcnnzoo.recording.labelled import make_trace
    from rcnnzoo.recording.opening import open_trace
    from rcnnzoo.recording.opening_activations import open_activations
    from rcnnzoo.weights.files import load, save

__all__ = [
    "build",
    "decide",
    "load",
    "make_trace",
    "open_activations",
    "open_trace",
    "policy",
    "read_images",
    "readout",
    "run",
    "sat_curve",
    "save",
]

_HOMES = {
    "build": "rcnnzoo.architectures.build",
    "decide": "rcnnzoo.engine.decide",
    "load": "rcnnzoo.weights.files",
    "make_trace": "rcnnzoo.recording.labelled",
    "open_activations": "rcnnzoo.recording.opening_activations",
    "open_trace": "rcnnzoo.recording.opening",
    "policy": "rcnnzoo.policies.lookup",
    "read_images": "rcnnzoo.engine.prediction",
    "readout": "rcnnzoo.readouts.lookup",
    "run": "rcnnzoo.engine.conditions",
    "sat_curve": "rcnnzoo.analysis.sat_curve",
    "save": "rcnnzoo.weights.files",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("rcnnzoo")
    if name not in _HOMES:
        raise AttributeError(f"module 'rcnnzoo' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
