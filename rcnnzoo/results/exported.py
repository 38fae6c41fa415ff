"""Files for other tools: `rcnnzoo export`."""

from __future__ import annotations

from pathlib import Path

from rcnnzoo.exporting.activations import export_activations
from rcnnzoo.recording.opening_activations import VALUES, open_activations
from rcnnzoo.results.result import Result
from rcnnzoo.text import in_ranges


def export(path: Path, form: str, out: Path) -> Result:
    """Activations in another tool's format.

    Raises:
        UnknownName: There is no such format.
        OptionError: The folder is there, or the format can't hold these activations.
        TraceError: Activations can't be used, or there is no room for the files.
    """
    tree = open_activations(path)
    files = export_activations(tree, form, out)
    rows = []
    for layer, written in files.items():
        values = tree[layer][VALUES]
        first, more = written[0].relative_to(out), len(written) - 1
        rows.append(
            {
                "layer": layer,
                "steps": in_ranges(values["step"].to_numpy().tolist()),
                "units": values.sizes["unit"],
                "files": f"{first} and {more} more" if more else str(first),
            }
        )
    document = {
        "activations": str(path),
        "format": form,
        "out": str(out),
        "files": {layer: [str(file) for file in written] for layer, written in files.items()},
    }
    return Result(document, [(f"{form}, {tree.sizes['image']:,} images", rows)], notes=[str(out)])
