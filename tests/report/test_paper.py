"""The paper's networks beside those of a report."""

import pytest

from rcnnzoo.report import paper
from tests.architectures.test_spoerer import GIGAMACS, PARAMETERS


def test_they_are_what_the_networks_of_full_size_are_checked_against():
    for name, parameters in paper.PARAMETERS.items():
        assert parameters == PARAMETERS[name][1000]
    for name, macs in paper.MACS.items():
        assert macs / 1e9 == pytest.approx(GIGAMACS[name])


def test_only_those_that_a_report_has_are_shown():
    rows = paper.networks(["bl", "b", "zoo/other"])["rows"]
    assert rows == [
        {"network": "bl", "parameters": 28_870_920, "MACs per image": "83.51G"},
        {"network": "b", "parameters": 11_037_768, "MACs per image": "1.991G"},
    ]
    assert paper.networks(["zoo/other"])["rows"] == []
