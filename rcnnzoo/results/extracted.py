"""Activations as they were recorded: `rcnnzoo extract`."""

from __future__ import annotations

from pathlib import Path

from rcnnzoo.data.folders import images_in, split_of_files
from rcnnzoo.data.images import usual_size
from rcnnzoo.data.splits import UNKNOWN, Split
from rcnnzoo.errors import OptionError
from rcnnzoo.recording.activations import Extraction, record_activations
from rcnnzoo.recording.opening_activations import VALUES
from rcnnzoo.references import Reference
from rcnnzoo.results.result import Result
from rcnnzoo.text import in_ranges
from rcnnzoo.writing import as_utf8


def extract(
    text: str,
    how: Extraction,
    out: Path,
    folder: Path | None = None,
    data: str | None = None,
    data_dir: Path | None = None,
    split: str | None = None,
    seed: int = 0,
) -> Result:
    """What layers of a network hold for images, recorded unless it was before.

    Args:
        text: What a user typed for MODEL.
        how: What is extracted.
        out: Folder of the activations.
        folder: Of images; otherwise those of a data set, by default the one that it was trained on.
        data: As for `open_subject`.
        data_dir: Likewise.
        split: Likewise.
        seed: Random seed of an untrained network's weights.

    Raises:
        OptionError: A folder was given together with a data set; and as `record_activations`.
    """
    if folder is not None and (data or data_dir or split):
        raise OptionError("`images` can't be combined with `data`, `data_dir` and `split`: give a folder or a data set")
    reference = Reference(text, seed)
    is_trained = reference.weights is not None  # a misspelt name is reported before anything else
    images, name = _images(reference, folder, data, data_dir, split)
    options = {} if is_trained else {"image_size": usual_size(images)}
    if not is_trained and images.categories:
        options["categories"] = images.categories  # type: ignore[assignment]
    model = reference.open(how.conditions, **options)
    tree = record_activations(model, reference.name, images, name, out, how)
    rows = []
    for layer, node in tree.children.items():
        values = node[VALUES]
        rows.append(
            {
                "layer": layer,
                "steps": in_ranges(node["step"].to_numpy().tolist()),
                "units": values.sizes["unit"],
                "MB": f"{values.nbytes / 1e6:,.1f}",
            }
        )
    number = tree.sizes["image"]
    document = {
        **tree.attrs,
        "activations": str(out),
        "images": number,
        "layers": {layer: dict(node[VALUES].sizes) for layer, node in tree.children.items()},
    }
    return Result(document, [(f"{reference.name} on {name}, {number:,} images", rows)], notes=[str(out)])


def _images(
    reference: Reference, folder: Path | None, data: str | None, data_dir: Path | None, split: str | None
) -> tuple[Split, str]:
    """The images, and what they are called."""
    if folder is None:
        opened = reference.images(data, data_dir)
        chosen = split or opened.best_test()
        return opened.split(chosen), f"{opened.name} {chosen}"
    files = [str(file.relative_to(folder)) for file in images_in(folder)]
    return split_of_files(folder, (), files, [UNKNOWN] * len(files)), as_utf8(folder.resolve().name)
