"""A threshold that keeps the loss on new images below a limit: `rcnnzoo calibrate`."""

from __future__ import annotations

import warnings
from functools import partial

import xarray as xr
from numpy import float32

from rcnnzoo.analysis.calibration import CONFIDENCE
from rcnnzoo.analysis.calibration import calibrate as find_threshold
from rcnnzoo.errors import OptionError, RcnnzooWarning
from rcnnzoo.figures.thresholds import draw_thresholds
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.policies.lookup import policy as look_up_policy
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.results.naming import file_stem, images_of, rule_of
from rcnnzoo.results.result import Result, or_none, percent
from rcnnzoo.subjects import OpenTrace
from rcnnzoo.text import whole


def calibrate(
    opened: OpenTrace,
    max_loss: float,
    policy: str = POLICY,
    confidence: float = CONFIDENCE,
    readout: str = READOUT,
) -> Result:
    """The cheapest threshold whose risk is at most `max_loss`, with that confidence.

    Raises:
        OptionError: `max_loss` or `confidence` is not between 0 and 1, or the network was trained on these images.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores can't be used.
        TraceError: The trace has no images.
    """
    trace = opened.trace
    _check_images(trace)
    found = find_threshold(trace, policy, max_loss, confidence, readout)
    title = f"{trace.attrs['name']} on {images_of(trace)}, {rule_of(policy, readout)}"
    document = {
        **{name: trace.attrs[name] for name in ("name", "data", "split")},
        "policy": policy,
        "readout": readout,
        **{name: value for name, value in vars(found).items() if name != "sequence"},
        "note": found.note,
        "trace": str(opened.path),
    }
    threshold = str(float32(found.threshold))  # as many digits as it takes to give the very score back
    rows = [
        {"": f"threshold ({look_up_policy(policy).unit})", "value": threshold},
        {"": "images", "value": f"{found.images:,}"},
        {"": "lost by stopping, % of these images", "value": f"{100 * found.loss:.2f}"},
        {"": f"upper bound on the risk, % ({confidence:g} confidence)", "value": f"{100 * found.bound:.2f}"},
        {"": "top-1 %", "value": percent(found.accuracy)},
        {"": "top-1 % after all steps", "value": percent(found.accuracy_all_steps)},
        {"": "mean steps", "value": f"{found.mean_steps:.2f} of {trace.sizes['step']}"},
        {"": "mean MACs per image", "value": whole(round(found.mean_macs))},
        {"": "MACs saved, %", "value": percent(found.saving)},
    ]
    stem = file_stem("thresholds", policy=policy, readout=readout)
    draw = partial(
        draw_thresholds,
        found.sequence,
        max_loss=max_loss,
        chosen=(found.mean_macs, found.bound),
        title=title,
        confidence=confidence,
        images=found.images,
    )
    return Result(
        or_none(document),
        [(f"{title}: at most {100 * max_loss:g} % lost", rows)],
        data={stem: found.sequence},
        figures={stem: draw},
        notes=[found.note] if found.note else [],
    )


def _check_images(trace: xr.Dataset) -> None:
    """Refuse images that the network was trained on: what it loses on them says nothing about new ones."""
    trained_on = trace.attrs.get("trained_on", False)
    which = f"{trace.attrs['data']} {trace.attrs['split']}"
    if trained_on:
        raise OptionError(
            f"{trace.attrs['name']} was trained on these images ({which}), so a threshold chosen on them holds no "
            "promise for new ones: give other images (`data`, `split`)"
        )
    if trained_on is None:
        warnings.warn(
            f"{trace.attrs['name']} may have been trained on some of these images ({which}): if it was, the promise "
            "does not hold for new ones",
            RcnnzooWarning,
            stacklevel=3,
        )
