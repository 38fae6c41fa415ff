"""The page about the hGRU: its numbers are those of the networks, and its formulas those of the authors' code."""

import re
from typing import Any

import numpy
import pytest
import torch

import rcnnzoo
from rcnnzoo.profiling.operations import macs_per_step
from tests.docs.test_docs import DOCS, blocks, table


@pytest.mark.parametrize("row", table("hgru.md", "| name | images"), ids=lambda row: row[0])
def test_its_table_is_what_the_networks_are(row):
    name, _, kernel, steps, parameters, macs = row
    network = rcnnzoo.build(name, categories=2, image_size=150)
    assert network.num_steps == int(steps)
    assert list(network.get_parameter("horizontal.inhibition.weight").shape[2:]) == [int(x) for x in kernel.split("x")]
    assert f"{sum(weight.numel() for weight in network.parameters()):,}" == parameters
    first, *later = macs_per_step(network)
    said = [float(number) for number in re.findall(r"([\d.]+) G", macs)]
    assert said == [round(first / 1e9, 3), *{round(number / 1e9, 3) for number in later}]


def test_its_uncertainty_is_that_of_evidence():
    """By hand: without evidence for either of two categories, exp(-10) each; with logits of 0, one each."""
    (code,) = (code for _, code in blocks(DOCS / "hgru.md", "py") if "evidence" in code)
    logits = rcnnzoo.make_trace(torch.tensor([[[0.0, 0.0], [-200.0, -200.0], [20.0, -5.0]]]), [0], [1, 1, 1])["logits"]
    names: dict[str, Any] = {"logits": logits, "categories": 2, "numpy": numpy}
    exec(code, names)  # noqa: S102
    expected = [2 / 4, 2 / (2 + 2 * 4.539993e-05), 2 / (2 + 7.389056 + 0.606531)]
    torch.testing.assert_close(
        torch.from_numpy(names["uncertainty"].values)[0].double(), torch.tensor(expected).double()
    )
