"""Where networks run, and in which precision; light to import, so that options can say which there are."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from rcnnzoo.errors import UnknownName

if TYPE_CHECKING:
    import torch

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""Torch's type for each precision."""
PRECISION = "fp32"
"""What networks compute in unless a user says otherwise."""


def best_device() -> torch.device:
    """The accelerator of this machine if it has one, else its processor."""
    import torch

    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def best_precision() -> str:
    """`bf16` where the device computes it natively, else `fp32`.

    Emulated bf16 is slower than fp32, so what counts is the processor's or GPU's own instructions.
    """
    import torch

    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if torch.backends.mps.is_available():
        return "fp32"
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch don't say
    return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "fp32"


def device_name(device: torch.device) -> str:
    """What people call a device: a GPU's name, else the processor and how many threads compute on it."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device} with {torch.get_num_threads()} threads"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """A context in which networks compute in `fp32`, `bf16` or `fp16`."""
    import torch

    return nullcontext() if precision == "fp32" else torch.autocast(device.type, getattr(torch, DTYPES[precision]))


def check_precision(precision: str) -> None:
    """Refuse a precision that there is not.

    Raises:
        UnknownName: It is none of `fp32`, `bf16`, `fp16`.
    """
    if precision not in DTYPES:
        raise UnknownName("precision", precision, DTYPES, "`precision`")


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """How long a call takes, to the end of what it set going on the device."""
    import torch

    started = time.perf_counter()
    run()
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter() - started
