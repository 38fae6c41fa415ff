"""What analyses need from traces: blocks of images, so that memory does not grow, and a check for the same images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
import xarray as xr
from torch import Tensor

from rcnnzoo.errors import TraceError

READ_BYTES = 2**25
"""About how much is read at once of a trace that isn't stored in blocks."""


def in_blocks(trace: xr.Dataset) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits [B, T, C] and labels [B], block by block.

    Raises:
        TraceError: The category of an image is unknown, so nothing can be right or wrong about it, or logits are not
            finite: NaN would count as an answer.

    >>> from rcnnzoo import make_trace
    >>> trace = make_trace(torch.zeros(5, 2, 3), [0, 1, 2, 0, 1], macs=[10, 20])
    >>> [(logits.shape, labels.tolist()) for logits, labels in in_blocks(trace)]
    [(torch.Size([5, 2, 3]), [0, 1, 2, 0, 1])]
    """
    if "trial" in trace.dims:
        raise TraceError(
            f"{trace.attrs.get('name', 'a trace')}: is a trace of sequences, which only `rcnnzoo evaluate` reads: "
            "trace images one by one"
        )
    unknown = int((trace["label"] < 0).sum())
    if unknown:
        raise TraceError(
            f"{trace.attrs.get('name', 'a trace')}: the category of {unknown} images is unknown, so accuracy can't be "
            "measured; trace images in class folders"
        )
    images, steps, categories = trace["logits"].shape
    stored = trace["logits"].encoding.get("preferred_chunks", {}).get("image")
    block = stored or max(1, READ_BYTES // (4 * steps * categories))
    for start in range(0, images, block):
        here = slice(start, start + block)
        logits = torch.from_numpy(trace["logits"][here].to_numpy().copy())
        if not logits.isfinite().all():
            raise TraceError(f"{trace.attrs.get('name', 'a trace')}: holds logits that are not finite; record it again")
        yield logits, torch.from_numpy(trace["label"][here].to_numpy().copy())


def check_same_images(traces: Mapping[str, xr.Dataset]) -> None:
    """Refuse to compare networks on different images or with different categories.

    Raises:
        TraceError: They differ; the message names the first two.
    """
    (name, first), *others = traces.items()
    for other, trace in others:
        for what in ("category", "file", "label"):
            if first[what].to_numpy().tolist() != trace[what].to_numpy().tolist():
                pair = f"{_of(name, first)} and {_of(other, trace)}"
                if what == "category":
                    raise TraceError(f"{pair} have different categories: networks are compared on the same ones")
                raise TraceError(f"{pair} differ in their images: trace both with the same `data` and `split`")


def _of(name: str, trace: xr.Dataset) -> str:
    """A name, with the images of the trace where they are known."""
    images = " ".join(trace.attrs[key] for key in ("data", "split") if key in trace.attrs)
    return f"{name} ({images})" if images else name
