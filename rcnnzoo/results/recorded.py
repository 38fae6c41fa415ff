"""A trace as it was recorded: `rcnnzoo trace`."""

from __future__ import annotations

from rcnnzoo.results.result import Result
from rcnnzoo.subjects import OpenTrace


def describe(opened: OpenTrace) -> Result:
    """Where a trace lies, how many images it is of, and what it says of itself."""
    document = {"trace": str(opened.path), "images": opened.trace.sizes["image"], **opened.trace.attrs}
    return Result(document, notes=[str(opened.path)])
