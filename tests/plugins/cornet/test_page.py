"""The page about CORnet: its numbers are those of the networks."""

import re

import pytest

import rcnnzoo
from rcnnzoo.profiling.operations import macs_per_step
from tests.docs.test_docs import table


@pytest.mark.parametrize("row", table("cornet.md", "| name | what it is"), ids=lambda row: row[0])
def test_its_table_is_what_the_networks_are(row):
    name, _, steps, parameters, macs = row
    network = rcnnzoo.build(name, categories=1000, image_size=224)
    assert network.num_steps == int(steps)
    assert f"{sum(weight.numel() for weight in network.parameters()):,}" == parameters
    said = [float(number) for number in re.findall(r"([\d.]+) G", macs)]
    assert said == [round(number / 1e9, 3) for number in macs_per_step(network)]
