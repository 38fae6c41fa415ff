"""Where networks run, and in which precision; light to import, so that options can say which there are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

from rcnnzoo.errors import OptionError, UnknownName, reason

if TYPE_CHECKING:
    import torch

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""Torch's type for each precision."""
PRECISION = "fp32"
"""The default precision of networks."""


_CHOSEN: ContextVar[torch.device | None] = ContextVar("device", default=None)


@contextmanager
def computing(device: str | None = None, threads: int | None = None) -> Iterator[None]:
    """While it lasts, networks run on a device, and torch computes with a number of threads on the processor.

    Args:
        device: `cpu`, `cuda`, `cuda:1`, `mps`, ...; by default the accelerator of this machine, if it has one.
        threads: Without it, as many as torch takes.

    Raises:
        OptionError: There is no such device, or `threads` is less than 1.
    """
    if threads is not None and threads < 1:
        raise OptionError(f"`threads` {threads}: take at least 1")
    if device is None and threads is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    chosen = _CHOSEN.set(None if device is None else _device(device))
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _CHOSEN.reset(chosen)


def _device(name: str) -> torch.device:
    """The device of that name, checked by putting a number on it."""
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:  # its words list every kind that torch was ever written for
        raise OptionError(f"`device` {name}: is not the name of a device: give cpu, cuda, cuda:1 or mps") from error
    try:
        torch.zeros(1, device=device).item()
    except Exception as error:  # torch has many errors for this, some with paragraphs of advice
        cause = (str(error) or reason(error)).splitlines()[0].partition(". ")[0]
        raise OptionError(f"`device` {name}: can't be used ({cause}): give cpu, cuda, cuda:1 or mps") from error
    return device


def best_device() -> torch.device:
    """The device chosen by `computing`; by default the accelerator of this machine if it has one, or its processor."""
    import torch

    chosen = _CHOSEN.get()
    if chosen is not None:
        return chosen
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    # Of several processes on a machine each has the accelerator of its own number.
    own = os.environ.get("LOCAL_RANK")
    return device if device.type == "cpu" or own is None else torch.device(device.type, int(own))


def best_precision() -> str:
    """`bf16` where the device computes it natively, else `fp32`.

    Emulated bf16 is slower than fp32, so only native instructions of the processor or GPU count.
    """
    import torch

    device = best_device()
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type != "cpu":
        return "fp32"
    capabilities = _capabilities()
    return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "fp32"


def has_matrix_instructions() -> bool:
    """Whether the processor multiplies matrices in bf16 by instructions of their own (AMX)."""
    return bool(_capabilities().get("amx_bf16"))


def _capabilities() -> dict[str, bool]:
    """What the processor can do; older versions of torch don't say."""
    import torch

    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return capabilities


def device_name(device: torch.device) -> str:
    """A device in words: a GPU's name and whether it rounds to TF32, or the processor and its number of threads."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device) + " with TF32" * torch.backends.cudnn.allow_tf32
    threads = torch.get_num_threads()
    return f"{device} with {threads} thread{'s' * (threads != 1)}"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """A context in which networks compute in `fp32`, `bf16` or `fp16`."""
    import torch

    return nullcontext() if precision == "fp32" else torch.autocast(device.type, getattr(torch, DTYPES[precision]))


def check_precision(precision: str) -> None:
    """Refuse an unknown precision.

    Raises:
        UnknownName: It is none of `fp32`, `bf16`, `fp16`.
    """
    if precision not in DTYPES:
        raise UnknownName("precision", precision, DTYPES, "`precision`")


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """How long a call takes, until the device has finished what it started."""
    import torch

    started = time.perf_counter()
    run()
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter() - started
