"""Where networks run: as asked for, and only for as long as asked for."""

import pytest
import torch

from rcnnzoo.devices import best_device, computing, device_name
from rcnnzoo.errors import OptionError


def test_a_device_and_threads_hold_while_a_block_lasts():
    before = best_device(), torch.get_num_threads()
    with computing("cpu", threads=1):
        assert best_device() == torch.device("cpu")
        assert torch.get_num_threads() == 1
    assert (best_device(), torch.get_num_threads()) == before


NO_NAME = "is not the name of a device"


@pytest.mark.parametrize(
    ("name", "reason"), [("cuda:99", "can't be used"), ("gpu", NO_NAME), ("cpu:x", NO_NAME), ("", NO_NAME)]
)
def test_a_device_that_is_not_there_is_refused(name, reason):
    with pytest.raises(OptionError, match=f"`device` {name}: {reason}"), computing(name):
        pass


@pytest.mark.parametrize("allowed", [True, False])
def test_a_gpu_that_rounds_to_tf32_says_so(allowed, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "H100")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", allowed)
    assert device_name(torch.device("cuda")) == ("H100 with TF32" if allowed else "H100")


def test_fewer_than_one_thread_is_refused():
    with pytest.raises(OptionError, match="`threads` 0: take at least 1"), computing(threads=0):
        pass
