"""Networks on the Hugging Face Hub: `rcnnzoo push` and `rcnnzoo pull`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.architectures.card import Card, card_of
from rcnnzoo.errors import OptionError
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.recording.recorder import Recording
from rcnnzoo.references import Reference
from rcnnzoo.results.model_card import FIGURE, Measured, identifier_of, write_model_card
from rcnnzoo.results.naming import conditions_of, images_of
from rcnnzoo.results.result import Result
from rcnnzoo.results.saving import save_figure
from rcnnzoo.results.speed_accuracy import sweep
from rcnnzoo.subjects import OpenTrace
from rcnnzoo.traces import trace_of
from rcnnzoo.weights.files import file_hash, load
from rcnnzoo.weights.hub import address_of, fetch, is_address, upload
from rcnnzoo.writing import WEIGHTS, atomic_write


def push(text: str, to: str, licence: str, trace: Path | None = None, *, private: bool = False) -> Result:
    """Publish a network's weights, unchanged, with a page about it.

    Args:
        text: What a user typed for MODEL.
        to: `OWNER/NAME`, or `OWNER/NAME@BRANCH`.
        licence: What the weights may be used for.
        trace: The network's trace, of which the page shows accuracy and the speed-accuracy curve; by default the one of
            the run's test images, if there is one.
        private: Whether a new repository is visible to its owner alone.

    Raises:
        OptionError: `to` has another form, MODEL isn't one network with weights of its own, the licence isn't that of
            the weights, or the trace isn't the network's.
        WeightsError: The weights can't be read, or the Hub doesn't take them.
        TraceError: The trace can't be used.
    """
    address, reference = address_of(to), Reference(text)
    file = _own_weights(reference)
    model = load(file)
    card = card_of(model)
    if not licence.strip() or len(licence.splitlines()) > 1:
        raise OptionError(f"`licence` {licence!r}: name it in one line, for example MIT")
    if card.licence is not None and identifier_of(card.licence) != identifier_of(licence):
        raise OptionError(f"`licence` {licence}: the weights' own metadata say {card.licence}")
    opened = _trace(reference, card, file, trace)
    files: dict[str, Path | bytes] = {WEIGHTS: file}
    if opened is None:
        page = write_model_card(model, address, licence)
    else:
        measured = measure_accuracy(opened.trace, READOUT)
        what = f"{images_of(opened.trace)}, {measured.images:,} images, readout {READOUT}"
        data = str(opened.trace.attrs.get("data", "images"))
        page = write_model_card(model, address, licence, Measured(measured.by_step, data, what), with_figure=True)
        files[FIGURE] = _drawn(sweep({reference.name: opened}))
    files["README.md"] = page.encode()
    pushed = upload(address, files, f"{card.architecture}: weights and model card", private=private)
    rows = [{"file": name} for name in files]
    document = {"repository": address.repository, "revision": pushed.revision, "sha256": bytes_hash(file)}
    notes = [str(pushed), f"SHA-256 of {WEIGHTS}: {document['sha256']}"]
    if opened is None:
        notes.insert(0, "The page has no speed-accuracy curve: record a trace first, or name one with `--trace`.")
    return Result({**document, "files": list(files)}, [(f"pushed to {address}", rows)], notes=notes)


def _own_weights(reference: Reference) -> Path:
    """The weight file to publish."""
    if reference.members:
        one = next(iter(reference.members.values()))
        raise OptionError(f"{reference.text} holds several networks, and a repository has one: name {one.text}")
    if is_address(reference.text):
        raise OptionError(f"{reference.text} is on the Hub: name a run or a .safetensors file")
    if reference.is_trace or reference.weights is None:
        what = "a trace" if reference.is_trace else "an architecture, whose weights are random"
        raise OptionError(f"{reference.text} is {what}: name a run or a .safetensors file")
    return reference.weights


def _trace(reference: Reference, card: Card, weights: Path, given: Path | None) -> OpenTrace | None:
    claim = card.metrics or {}
    path = reference.traces / f"{claim.get('data')}-{claim.get('split')}.zarr" if given is None else given
    if given is None and not path.is_dir():
        return None
    opened = trace_of(str(path), how=Recording())
    if opened.trace.attrs["weights_sha256"] != file_hash(weights):
        raise OptionError(f"`trace` {path}: was recorded from other weights than {weights}")
    if conditions := conditions_of(opened.trace):
        raise OptionError(f"`trace` {path}: was recorded under other conditions ({', '.join(conditions)})")
    return opened


def _drawn(curve: Result) -> bytes:
    """The figure of a sweep as PNG."""
    (draw,) = curve.figures.values()
    with tempfile.TemporaryDirectory() as folder:
        save_figure(draw, Path(folder, "figure"), ["png"])
        return Path(folder, "figure.png").read_bytes()


def pull(text: str, out: Path | None = None) -> Result:
    """Copy a published network's weights, byte for byte, after checking them.

    Args:
        text: `OWNER/NAME`, `OWNER/NAME@REVISION`, or either after `hf://`.
        out: The file to write; by default NAME.safetensors.

    Raises:
        OptionError: `text` has another form, or `out` is another kind of file.
        WeightsError: The network can't be fetched, or isn't what was published.
    """
    address = address_of(text)
    out = Path(f"{address.repository.partition('/')[2]}.safetensors") if out is None else out
    if out.suffix != ".safetensors":
        raise OptionError(f"`out` {out}: the file's name must end in .safetensors")
    if out.is_dir():
        raise OptionError(f"`out` {out}: is a folder; name a file")
    fetched = fetch(address)
    card = card_of(load(fetched.path))
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as temporary:
        shutil.copyfile(fetched.path, temporary)
    document = {
        **card.to_dict(),
        "out": str(out),
        "repository": fetched.address.repository,
        "revision": fetched.address.revision,
        "sha256": bytes_hash(out),  # of its bytes; the card has one of its content
    }
    facts = {
        "architecture": card.architecture,
        "categories": len(card.categories),
        "revision": fetched.address.revision,
        "SHA-256 of the file": document["sha256"],
    }
    rows = [{"": name, "value": value} for name, value in facts.items()]
    return Result(document, [(str(address), rows)], notes=[str(out)])
