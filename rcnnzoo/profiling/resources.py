"""Memory and energy that a piece of work takes on this device."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch

EVERY = 0.002
"""Seconds between two measurements of the process's memory."""


class Used:
    """What was used while a block lasted; filled in at its end.

    Attributes:
        peak_bytes: Peak memory: torch's on an accelerator, otherwise the whole process's.
        joules: Energy of the GPU; None where it isn't counted.
    """

    peak_bytes: int = 0
    joules: float | None = None


@contextmanager
def resources(device: torch.device) -> Iterator[Used]:
    """Watch what a device uses.

    >>> with resources(torch.device("cpu")) as used:
    ...     _ = torch.ones(2**24)  # 64 MiB
    >>> used.peak_bytes > 2**26
    True
    """
    used = Used()
    before = _joules(device)
    if device.type == "cpu":
        with _watching_process(used):
            yield used
    else:
        torch.accelerator.reset_peak_memory_stats(device)
        yield used
        torch.accelerator.synchronize(device)
        used.peak_bytes = torch.accelerator.max_memory_allocated(device)
    after = _joules(device)
    used.joules = after - before if before is not None and after is not None else None


@contextmanager
def _watching_process(used: Used) -> Iterator[None]:
    """A thread measures the process's memory: the system only keeps the peak since the process started."""
    process, over = psutil.Process(), threading.Event()

    def watch() -> None:
        while True:
            used.peak_bytes = max(used.peak_bytes, process.memory_info().rss)
            if over.wait(EVERY):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _joules(device: torch.device) -> float | None:
    """A GPU's energy counter, by NVML (package nvidia-ml-py, the extra `energy`); Volta and later have one."""
    if device.type != "cuda":
        return None
    try:
        import pynvml

        pynvml.nvmlInit()
        # By its own identifier: NVML's numbers ignore CUDA_VISIBLE_DEVICES.
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
    except Exception:  # not installed, no driver, no counter: then there is no energy to report
        return None
