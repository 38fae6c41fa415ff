"""Saving and loading networks.

The file's metadata has one key, `rcnnzoo`, whose value is the network's card as canonical JSON (sorted keys, no spaces)
with `sha256`, a hash over all of it and the tensors. The same network gives the same file, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from rcnnzoo import plugins
from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.card import Card, card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.errors import RcnnzooError, WeightsError
from rcnnzoo.pointers import is_pointer
from rcnnzoo.weights.hub import address_of, fetch, is_address
from rcnnzoo.writing import WEIGHTS, atomic_write

KEY = "rcnnzoo"
HASH = "sha256"
PICKLE_STARTS = (b"\x80", b"PK\x03\x04")  # a pickle, and the zip that torch.save writes around one


def save(model: RecurrentModel, path: str | Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a network with its card; `metadata` is added to that, field by field or as notes.

    Raises:
        OptionError: The network has no card, so that nothing could rebuild it.

    >>> import tempfile
    >>> net = build("b", categories=["cat", "dog"], image_size=32, width=1 / 16)
    >>> file = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> save(net, file, metadata={"training": {"data": "pets"}, "lab": "ours"})
    >>> card = load(file).card
    >>> card.categories, card.training, card.notes
    (['cat', 'dog'], {'data': 'pets'}, {'lab': 'ours'})
    """
    path = Path(path)
    content = {**card_of(model).to_dict(), **(metadata or {}), "rcnnzoo_version": version(KEY)}
    tensors = _tensors(model)
    content[HASH] = content_hash(content, tensors)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(safetensors.torch.save(tensors, metadata={KEY: _canonical(content)}))


def load(path: str | Path) -> RecurrentModel:
    """A network from nothing but its file, in evaluation mode, with its card.

    Args:
        path: A `.safetensors` file, the folder of a run, or `hf://OWNER/NAME[@REVISION]`.

    Raises:
        OptionError: What follows `hf://` has another form.
        WeightsError: The file is missing, damaged, changed after writing, not rcnnzoo's, or its tensors don't match
            the network, or its architecture is not installed. Nothing is loaded in that case.
    """
    on_hub = isinstance(path, str) and is_address(path)
    path = fetch(address_of(str(path))).path if on_hub else Path(path)
    path = path / WEIGHTS if path.is_dir() else path
    content, shapes = read_header(path)
    model, tensors = rebuild(path, content, shapes)
    if HASH in content and content[HASH] != content_hash(content, tensors):
        raise WeightsError(
            f"{path}: was changed after it was written, its hash is not the one that it records: fetch or train it "
            "again (`rcnnzoo verify` says more)"
        )
    return model


def rebuild(
    path: Path, content: Mapping[str, Any], shapes: dict[str, tuple[int, ...]]
) -> tuple[RecurrentModel, dict[str, Tensor]]:
    """The network that a file describes, with its tensors; their hash is not checked.

    Args:
        path: The file.
        content: From `read_header`.
        shapes: Likewise.

    Raises:
        WeightsError: As for `load`, except what only the hash reveals.
    """
    try:
        card = Card.from_dict(content)
        # All weights are in the file, so none are fetched, whatever its options say.
        model = build(card.architecture, categories=card.categories, pretrained=False, **card.options)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: its metadata do not say how to rebuild the network ({error!r})") from error
    except RcnnzooError as error:
        raise WeightsError(f"{path}: its network can't be rebuilt: {_missing(card) or error}") from error
    check_shapes(path, shapes, {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()})
    tensors = safetensors.torch.load_file(path)
    wrong = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if wrong:
        raise WeightsError(
            f"{path}: holds values that are not finite ({wrong[0]}); train it again with a lower learning rate"
        )
    model.load_state_dict(tensors)
    model.card = card
    return model.eval(), tensors


def _missing(card: Card) -> str | None:
    """What to do about a missing architecture, if the file says which plugin it is from."""
    name, plugin = card.architecture, card.plugin
    if not isinstance(plugin, str) or plugins.package_of("architectures", name) is not None:
        return None
    if plugin.partition(" ")[0] in {loaded.package for loaded in plugins.registry().plugins}:
        return (
            f"its architecture {name!r} came with the plugin {plugin}, and the version that is loaded doesn't have it"
        )
    if plugin.endswith(".py"):
        advice = f"give --plugin {plugin} before the command (in Python, rcnnzoo.plugins.load_file)"
    else:
        advice = "install that"
    return f"its architecture {name!r} came with the plugin {plugin}, which isn't loaded: {advice}"


def read_header(path: Path) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """The metadata and the shape of each tensor, without reading the tensors.

    Raises:
        WeightsError: The file is missing, damaged, or not rcnnzoo's.
    """
    try:
        with path.open("rb") as opened:
            start = opened.read(9)
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror or error})") from error
    except SafetensorError as error:
        # The length that opens a safetensors file can look like a pickle; the brace after it can't.
        if start.startswith(PICKLE_STARTS) and not start.endswith(b"{"):
            raise WeightsError(f"{path}: is a pickle, which can hold code and is never opened here") from error
        if is_pointer(path):
            raise WeightsError(f"{path}: is a Git LFS pointer, not the file itself: run `git lfs pull`") from error
        raise WeightsError(f"{path}: damaged or not a safetensors file ({error}); fetch or train it again") from error
    try:
        metadata = json.loads(header[KEY])
    except KeyError as error:
        raise WeightsError(f"{path}: a safetensors file, but not written by rcnnzoo (no metadata {KEY!r})") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: its metadata {KEY!r} are not JSON ({error})") from error
    if not isinstance(metadata, dict):
        raise WeightsError(f"{path}: its metadata {KEY!r} are not a JSON object")
    return metadata, shapes


def content_hash(metadata: Mapping[str, Any], tensors: dict[str, Tensor]) -> str:
    """SHA-256 over metadata (except the hash itself) and over names, shapes and values of all tensors."""
    text = _canonical({name: value for name, value in metadata.items() if name != HASH})
    return hashlib.sha256(text.encode("utf-8", "surrogateescape") + safetensors.torch.save(tensors)).hexdigest()


def weights_hash(model: RecurrentModel) -> str:
    """SHA-256 over names, shapes and values of all parameters and statistics."""
    return hashlib.sha256(safetensors.torch.save(_tensors(model))).hexdigest()


def file_hash(path: Path) -> str:
    """The `weights_hash` of the network that a file holds, without building it.

    Raises:
        WeightsError: The file is missing, damaged, or not rcnnzoo's.
    """
    read_header(path)
    return hashlib.sha256(safetensors.torch.save(safetensors.torch.load_file(path))).hexdigest()


def _canonical(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _tensors(model: RecurrentModel) -> dict[str, Tensor]:
    """Copies where two names share a tensor: a file holds each by itself, and loading fills both with the same."""
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in model.state_dict().items():
        kept = tensor.detach().cpu().contiguous()
        place = kept.untyped_storage().data_ptr()
        tensors[name] = kept.clone() if place in seen else kept
        seen.add(place)
    return tensors


def check_shapes(path: Path, found: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]) -> None:
    """Names and shapes of a file's tensors, against those of the network that they are for.

    Raises:
        WeightsError: They differ; all differences are counted, and the first of each kind named.
    """
    missing = sorted(wanted.keys() - found.keys())
    unexpected = sorted(found.keys() - wanted.keys())
    other = [
        f"{name} is {list(found[name])}, not {list(wanted[name])}"
        for name in sorted(wanted.keys() & found.keys())
        if found[name] != wanted[name]
    ]
    faults = [
        f"{len(names)} {fault} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for fault, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", other))
        if names
    ]
    if faults:
        raise WeightsError(f"{path}: its tensors do not match the network: {'; '.join(faults)}")
