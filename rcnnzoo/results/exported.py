"""Files for other tools: `rcnnzoo export`."""

from __future__ import annotations

from pathlib import Path

from rcnnzoo.errors import OptionError, UnknownName
from rcnnzoo.exporting import activations, networks
from rcnnzoo.recording.opening_activations import VALUES, open_activations
from rcnnzoo.references import Reference
from rcnnzoo.results.result import Result
from rcnnzoo.text import in_ranges


def export(text: str, form: str, out: Path, seed: int = 0) -> Result:
    """A network or activations in another tool's format.

    Args:
        text: What a user typed for MODEL or X.zarr.
        form: The format.
        out: A file or a new folder, as the format has it.
        seed: Random seed of an untrained network's weights.

    Raises:
        UnknownName: There is no such format.
        FileExistsError: `out` is a folder that is there.
        OptionError: The format is not of what is exported or can't hold it, or `out` doesn't suit it.
        TraceError: Activations can't be used, or there is no room for the files.
        ExportError: The file gives other logits than the network.
    """
    if form not in (*networks.FORMATS, *activations.FORMATS):
        raise UnknownName("format", form, [*networks.FORMATS, *activations.FORMATS], "`format`")
    reference = Reference(text, seed)
    if reference.is_trace == (form in networks.FORMATS):
        what, formats = "is a network", list(networks.FORMATS)
        if reference.is_trace:
            what, formats = "holds activations", list(activations.FORMATS)
        raise OptionError(f"`format` {form}: {text} {what}, whose formats are {', '.join(formats)}")
    reference.check_seed()
    return _network(reference, form, out) if form in networks.FORMATS else _activations(Path(text), form, out)


def _network(reference: Reference, form: str, out: Path) -> Result:
    if reference.members:
        one = next(iter(reference.members.values()))
        raise OptionError(f"{reference.text} holds several networks, and a file has one: name one, such as {one.text}")
    network = reference.open()
    exported = networks.export_network(network, form, out)
    rows = [{"file": str(file), "MB": f"{file.stat().st_size / 1e6:,.1f}"} for file in exported.files]
    document = {
        "network": reference.name,
        "format": form,
        "opset": exported.opset,
        "files": [str(file) for file in exported.files],
        "largest_difference": exported.difference,
    }
    version = "" if exported.opset is None else f", opset {exported.opset}"
    title = f"{reference.name}, {form}{version}; logits within {exported.difference:.1g} of the network's"
    return Result(document, [(title, rows)], notes=[str(out)])


def _activations(path: Path, form: str, out: Path) -> Result:
    tree = open_activations(path)
    files = activations.export_activations(tree, form, out)
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
