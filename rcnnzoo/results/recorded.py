"""A trace as it was recorded: `rcnnzoo trace`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from rcnnzoo.data.images import usual_size
from rcnnzoo.data.sequences import Sequences
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.recording.trials import identify_sequences, record_sequences
from rcnnzoo.references import Reference
from rcnnzoo.results.result import Result
from rcnnzoo.subjects import OpenTrace
from rcnnzoo.writing import file_name


def describe(opened: OpenTrace) -> Result:
    """Where a trace lies, how many images or trials it is of, and what it says of itself."""
    rows = "trial" if "trial" in opened.trace.dims else "image"
    document = {"trace": str(opened.path), f"{rows}s": opened.trace.sizes[rows], **opened.trace.attrs}
    return Result(document, notes=[str(opened.path)])


def trace_sequences(
    text: str,
    sequences: Sequences,
    *,
    seed: int = 0,
    how: Recording,
    out: Path | None = None,
    width: float | None = None,
    image_size: int | None = None,
) -> OpenTrace:
    """A network's trace of sequences, recorded unless it already exists.

    Args:
        text: What a user typed for MODEL.
        sequences: What is shown.
        seed: Random seed of an untrained network's weights.
        how: How the network is traced.
        out: Folder of the trace; by default among those of the network.
        width: Of an untrained network.
        image_size: Of an untrained network; by default that of the images.

    Raises:
        WeightsError: There is no such network.
        UnknownName: There is no such architecture; and as `record_sequences`, whose errors it raises as well.
    """
    reference = Reference(text, seed)
    options: dict[str, Any] = {"width": width, "image_size": image_size}
    if reference.weights is None:
        if image_size is None and sequences.files:
            options["image_size"] = usual_size(sequences.images())
        options["categories"] = sequences.categories() or None
    model = reference.open(**options)
    if out is None:
        identity = json.dumps(identify_sequences(model, sequences, how), sort_keys=True)
        digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
        out = reference.traces / f"{file_name(sequences.file.stem)}-{digest[:8]}.zarr"
    return OpenTrace(out, record_sequences(model, sequences, out, how, name=reference.name))
