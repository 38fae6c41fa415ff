"""Where networks run, and in which precision."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

from rcnnzoo.errors import UnknownName

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def best_device() -> torch.device:
    """The accelerator of this machine if it has one, else its processor."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def device_name(device: torch.device) -> str:
    """What people call a device: a GPU's name, else the processor and how many threads compute on it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device} with {torch.get_num_threads()} threads"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """A context in which networks compute in `fp32`, `bf16` or `fp16`."""
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, DTYPES[precision])


def check_precision(precision: str) -> None:
    """Refuse a precision that there is not.

    Raises:
        UnknownName: It is none of `fp32`, `bf16`, `fp16`.
    """
    if precision not in DTYPES:
        raise UnknownName("precision", precision, DTYPES, "`precision`")


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """How long a call takes, to the end of what it set going on the device."""
    started = time.perf_counter()
    run()
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter() - started
