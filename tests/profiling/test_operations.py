"""Operations that are counted: in any mode, once, and again when a network was changed."""

import torch
from torch import nn

import rcnnzoo
from rcnnzoo.profiling import operations
from rcnnzoo.profiling.operations import macs_per_step


def network():
    return rcnnzoo.build("bl", categories=10, image_size=32, width=1 / 16, steps=2)


def test_they_are_counted_in_inference_mode_as_well():
    expected = macs_per_step(network())
    with torch.inference_mode():
        assert macs_per_step(network()) == expected


def test_a_network_is_counted_once_and_again_when_it_was_changed(monkeypatch):
    counted = []
    usual = operations._count

    def count(model, *arguments):
        counted.append(model)
        return usual(model, *arguments)

    monkeypatch.setattr(operations, "_count", count)
    model = network()
    before = macs_per_step(model)
    before.append(0)  # what was returned is the caller's
    assert macs_per_step(model) == before[:2]
    assert len(counted) == 1
    model.classifier[0] = nn.Linear(128, 1000)
    after = macs_per_step(model)
    assert [after[0] - before[0], after[1] - before[1]] == [129 * 990] * 2  # ptflops counts the bias as one more
    assert len(counted) == 2
