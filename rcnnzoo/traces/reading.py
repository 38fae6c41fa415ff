"""Reading a trace a block of images at a time, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import xarray as xr
from torch import Tensor

from rcnnzoo.errors import TraceError
from rcnnzoo.traces.labelled import UNKNOWN
from rcnnzoo.traces.storage import BLOCK_BYTES


def in_blocks(trace: xr.Dataset) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits [B, T, C] and labels [B], block by block.

    Raises:
        TraceError: The category of an image is unknown, so nothing can be right or wrong about it.

    >>> from rcnnzoo.traces.labelled import make_trace
    >>> trace = make_trace(torch.zeros(5, 2, 3), [0, 1, 2, 0, 1], macs=[10, 20])
    >>> [(logits.shape, labels.tolist()) for logits, labels in in_blocks(trace)]
    [(torch.Size([5, 2, 3]), [0, 1, 2, 0, 1])]
    """
    unknown = int((trace["label"] == UNKNOWN).sum())
    if unknown:
        raise TraceError(
            f"{trace.attrs.get('name', 'a trace')}: the category of {unknown} images is unknown, so accuracy can't be "
            "measured; trace images in class folders"
        )
    images, steps, categories = trace["logits"].shape
    stored = trace["logits"].encoding.get("preferred_chunks", {}).get("image")
    block = stored or max(1, BLOCK_BYTES // (4 * steps * categories))
    for start in range(0, images, block):
        here = slice(start, start + block)
        logits = torch.from_numpy(trace["logits"][here].to_numpy().copy())
        yield logits, torch.from_numpy(trace["label"][here].to_numpy().copy())
