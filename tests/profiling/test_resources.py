"""Memory and energy that work takes."""

import sys
from types import SimpleNamespace

import pytest
import torch

from rcnnzoo.profiling import resources as module
from rcnnzoo.profiling.resources import resources

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


def test_the_peak_is_seen_though_it_is_over_at_the_end():
    with resources(CPU) as idle:
        pass
    with resources(CPU) as used:
        for _ in range(3):  # the first page of each is touched long before the last
            torch.ones(2**26)  # 256 MiB
    assert used.peak_bytes - idle.peak_bytes > 2**27
    assert used.joules is None


@pytest.fixture
def counter(monkeypatch):
    """An energy counter, in millijoules, of the GPU whose name is 42."""
    reading = {"GPU-42": 5000}
    library = SimpleNamespace(
        nvmlInit=lambda: None, nvmlDeviceGetHandleByUUID=str, nvmlDeviceGetTotalEnergyConsumption=reading.__getitem__
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(uuid="42"))
    for name in ("reset_peak_memory_stats", "synchronize"):
        monkeypatch.setattr(torch.accelerator, name, lambda _: None)
    monkeypatch.setattr(torch.accelerator, "max_memory_allocated", lambda _: 7)
    return reading


def test_a_gpu_counts_millijoules(counter):
    with resources(GPU) as used:
        counter["GPU-42"] += 2500
    assert (used.joules, used.peak_bytes) == (2.5, 7)


def test_a_gpu_without_a_counter_has_no_energy(counter, monkeypatch):
    del counter["GPU-42"]
    with resources(GPU) as used:
        pass
    assert used.joules is None
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    assert module._joules(GPU) is None
