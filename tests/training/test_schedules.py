"""Schedules against their definitions."""

from math import cos, pi

import pytest
import torch

from rcnnzoo.errors import UnknownName
from rcnnzoo.training.schedules import make_schedule


def rates(name, updates=60, lr=0.5):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = make_schedule(optimizer, name, lr, updates)
    seen = []
    for _ in range(updates):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step() if len(seen) < updates else None
    return seen


def test_schedules():
    assert rates("constant") == [0.5] * 60
    assert rates("step") == pytest.approx([0.5] * 20 + [0.05] * 20 + [0.005] * 20)
    assert rates("cosine") == pytest.approx(
        [0.5 / 3, 1 / 3, 0.5] + [0.25 * (1 + cos(pi * (update - 3) / 57)) for update in range(3, 60)], abs=1e-6
    )
    one_cycle = rates("one-cycle")
    assert max(one_cycle) == pytest.approx(0.5)
    assert one_cycle.index(max(one_cycle)) == 17  # 30 % of the way, counted from 0
    assert one_cycle[-1] < 1e-4


@pytest.mark.parametrize("name", ["one-cycle", "cosine", "step", "constant"])
@pytest.mark.parametrize("updates", range(1, 11))
def test_few_updates_learn_something_and_none_is_above_the_highest_rate(name, updates):
    found = rates(name, updates)
    assert max(found) <= 0.5 + 1e-9
    assert max(found) >= 0.2
    if updates > 2 and name != "constant":
        assert found[-1] <= 0.5 * max(found)


def test_an_unknown_name_gets_the_nearest():
    optimizer = torch.optim.SGD(torch.nn.Linear(2, 2).parameters())
    with pytest.raises(UnknownName, match="unknown schedule 'cosin': did you mean 'cosine'"):
        make_schedule(optimizer, "cosin", 0.1, 5)
