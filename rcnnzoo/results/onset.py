"""Time since the image's onset, for stimuli that show something else before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from rcnnzoo.errors import OptionError

STEP = "step_since_onset"
REACTION_TIME = "reaction_time_since_onset"
MEAN_STEPS = "mean_steps_since_onset"
"""Columns of tables: 1 is the first time step at which the image is shown; those before are 0 and less."""


def steps_before(onset: int | None) -> int:
    """Time steps before the image's onset, given the step, from 1, at which it is first shown.

    Raises:
        OptionError: It never is.

    >>> steps_before(3)
    2
    """
    if onset is None:
        raise OptionError("`since_onset`: the stimulus never shows the image, so time can't be counted from its onset")
    return onset - 1


def steps_before_image(trace: xr.Dataset) -> int:
    """The same for what a trace was recorded with; one that says nothing shows the image at once.

    Raises:
        OptionError: The image is never shown.
    """
    return steps_before(trace.attrs.get("image_onset", 1))


def mean_steps(row: Mapping[Any, Any]) -> dict[str, object]:
    """The cell for mean steps, counted from the image's onset where the row says so."""
    if MEAN_STEPS in row:
        return {"mean steps since onset": f"{row[MEAN_STEPS]:.2f}"}
    return {"mean steps": f"{row['mean_steps']:.2f}"}
