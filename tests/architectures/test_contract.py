"""What everything else relies on, for every architecture that is installed, including third-party ones."""

import contextlib
from functools import cache

import pytest
import torch

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.checking.architectures import CHECKS
from rcnnzoo.checking.rows import Skipped
from rcnnzoo.checking.specimen import specimen
from tests.networks import every

EVERY = every()
small = cache(specimen)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", EVERY)
def test_every_network_keeps_the_contract(name, check):
    with contextlib.suppress(Skipped):
        CHECKS[check](small(name))


def test_rows_of_ours_mix_steps_unless_their_weights_change_with_them():
    ours = [name for name in EVERY if plugins.package_of("architectures", name) == "rcnnzoo"]
    assert [name for name in ours if not small(name).network.rows_mix_steps] == ["b-u"]


@pytest.mark.parametrize("name", EVERY)
def test_building_leaves_torchs_generator_alone(name):
    before = torch.get_rng_state()
    rcnnzoo.build(name, categories=5, image_size=small(name).image_size, width=small(name).width, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
