"""A trace as labelled arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr

from rcnnzoo.data.splits import UNKNOWN
from rcnnzoo.errors import TraceError


def make_trace(
    logits: npt.ArrayLike | torch.Tensor,
    labels: npt.ArrayLike | torch.Tensor,
    macs: npt.ArrayLike,
    *,
    files: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """A trace from arrays.

    Args:
        logits: [N, T, C]; kept as float32, which holds every half-precision value exactly.
        labels: Category of each image, [N]; `UNKNOWN` where it isn't known.
        macs: Multiply-accumulates of each step for one image, [T].
        files: A name for each image.
        categories: A name for each category.
        attributes: Further information about the trace.

    Raises:
        TraceError: The shapes don't fit each other, or logits are not finite.

    >>> trace = make_trace(np.zeros((5, 2, 3)), [0, 1, 2, 0, 1], macs=[10, 20])
    >>> dict(trace.sizes)
    {'image': 5, 'step': 2, 'category': 3}
    """
    values = _array(logits).astype(np.float32)
    truth = _array(labels).astype(np.int64)
    cost = np.asarray(macs, dtype=np.int64)
    if values.ndim != 3:
        raise TraceError(f"logits have {values.ndim} axes: give [image, step, category]")
    if not np.isfinite(values).all():
        raise TraceError(f"logits of image {int((~np.isfinite(values)).any(axis=(1, 2)).argmax())} are not finite")
    images, steps, count = values.shape
    wanted = {"labels": (truth.shape, (images,)), "macs": (cost.shape, (steps,))}
    wanted |= {} if files is None else {"files": ((len(files),), (images,))}
    wanted |= {} if categories is None else {"categories": ((len(categories),), (count,))}
    for name, (shape, fitting) in wanted.items():
        if shape != fitting:
            raise TraceError(f"{name} have shape {list(shape)}, but with these logits should have {list(fitting)}")
    if images and not (np.min(truth) >= UNKNOWN and np.max(truth) < count):
        raise TraceError(f"labels from {np.min(truth)} to {np.max(truth)} don't fit {count} categories")
    return xr.Dataset(
        {
            "logits": (("image", "step", "category"), values),
            "label": ("image", truth),
            "macs": ("step", cost),
        },
        coords={
            "file": ("image", np.array(files or [str(i) for i in range(images)], dtype=object)),
            "step": np.arange(1, steps + 1),
            "category": np.array(categories or [str(i) for i in range(count)], dtype=object),
        },
        attrs=dict(attributes or {}),
    )


def _array(values: npt.ArrayLike | torch.Tensor) -> npt.NDArray[Any]:
    if isinstance(values, torch.Tensor):
        # numpy has no bfloat16; float32 holds it exactly.
        return (values.float() if values.is_floating_point() else values).detach().cpu().numpy()
    return np.asarray(values)
