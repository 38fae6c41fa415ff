"""Reading tensors, and only tensors, from files of `torch.save`, for formats of published weights.

Such a file is a pickle, which can hold code. It is read by torch's restricted unpickler alone (`weights_only=True`):
what that refuses is refused.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from rcnnzoo.errors import WeightsError
from rcnnzoo.pointers import is_pointer
from rcnnzoo.weights.files import check_shapes

STATES = ("state_dict", "model_state_dict", "model", "net")
"""Where a checkpoint keeps the network's tensors, beside its optimiser's and other things."""

WRAPPERS = ("module.", "_orig_mod.")
"""Prefixes that torch's DataParallel and compile leave before each name."""

VARIANCE = "running_var"
"""Batch norm's statistic that can't be below 0."""

COUNTS = "num_batches_tracked"
"""Batch norm's counter, which older versions of torch did not save, and which nothing here reads."""


def read_torch(path: Path) -> dict[str, Tensor]:
    """A network's tensors by name, from a state dict or a checkpoint that holds one, without wrappers' prefixes.

    Raises:
        WeightsError: The file is missing or damaged, holds more than tensors and plain values, holds no state dict or
            several, tensors of an unusual kind, values that are not finite, or variances below 0.
    """
    content = _open(path)
    tensors = _unwrapped(_state_dict(path, content))
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized or tensor.is_complex():
            raise WeightsError(f"{path}: {name} is not a dense tensor of real numbers, as weights are")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise WeightsError(f"{path}: {name} holds values that are not finite; fetch the file again")
        if name.endswith(VARIANCE) and (tensor < 0).any():
            raise WeightsError(f"{path}: {name} has negative values; fetch the file again")
    return tensors


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put a file's tensors into a network, all of them, by name; `num_batches_tracked` may be missing.

    Args:
        network: What they are for.
        tensors: By the names of the network's.
        path: The file, for messages.

    Raises:
        WeightsError: A name is missing or not expected, or a shape or kind of number differs. The network is then
            unchanged.
    """
    own = network.state_dict()
    counts = {name: own[name] for name in own if name.endswith(COUNTS) and name not in tensors}
    found = {**tensors, **counts}
    check_shapes(path, _shapes(found), _shapes(own))
    other = [name for name, tensor in found.items() if tensor.is_floating_point() != own[name].is_floating_point()]
    if other:
        raise WeightsError(f"{path}: {other[0]} is {found[other[0]].dtype}, not {own[other[0]].dtype}")
    network.load_state_dict(found)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _open(path: Path) -> object:
    try:
        if is_pointer(path):
            raise WeightsError(f"{path}: is a Git LFS pointer, not the file itself: run `git lfs pull`")
        with warnings.catch_warnings(action="ignore"):  # of torch, about formats that it refuses in the next moment
            content = torch.load(path, map_location="cpu", weights_only=True)
        _check_sums(path)
        return content
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror or error})") from error
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = (
            f"names {found[1]}, which could execute code"
            if found
            else "is not a file of torch.save with tensors alone, or damaged"
        )
        advice = "ask its publisher for the tensors alone" if found else "fetch it again"
        raise WeightsError(f"{path}: {what}, and is not opened: {advice}") from error
    except Exception as error:  # a damaged file raises anything
        raise WeightsError(f"{path}: is not a file of torch.save, or damaged: fetch it again") from error


def _check_sums(path: Path) -> None:
    """Torch writes a checksum beside each tensor, but doesn't look at it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            damaged = file.testzip()
        if damaged is not None:
            raise WeightsError(f"{path}: is damaged, the checksum of {damaged} is wrong: fetch it again")


def _state_dict(path: Path, content: object) -> dict[str, Tensor]:
    """The content itself, or the one part of it that is a state dict."""
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path}: holds a {type(content).__name__}, not a network's tensors by name")
    nested = [name for name in STATES if isinstance(content.get(name), Mapping)]
    if len(nested) > 1:
        names = ", ".join(nested)
        raise WeightsError(f"{path}: holds several networks' tensors ({names}), and it isn't known which are meant")
    tensors = content[nested[0]] if nested else content
    others = [str(name) for name, value in tensors.items() if not isinstance(value, Tensor)]
    if others or not tensors:
        named = f" (it has {', '.join(others[:3])})" if others else ""
        raise WeightsError(f"{path}: holds no network's tensors by name{named}")
    return {str(name): tensor for name, tensor in tensors.items()}


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    prefix = next((prefix for prefix in WRAPPERS if all(name.startswith(prefix) for name in tensors)), None)
    if prefix is None:
        return tensors
    return _unwrapped({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
