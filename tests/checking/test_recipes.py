"""Recipes that break the contract."""

import pytest

from tests.checking.conftest import expect

SICK = {
    "unreadable": {("read", "fault"): "is not TOML"},
    "homeless": {("networks", "fault"): "its network 'b-x' is not registered"},
    "private": {("data", "fault"): "its data '/home/me/photos' are not a registered data set"},
    "lawless": {("policy and readout", "fault"): "its policy 'guess' is not registered"},
    "alone": {("controls", "warning"): "it has one network, so nothing is compared"},
}


@pytest.mark.parametrize("name", SICK)
def test_what_breaks_the_contract_is_said(name, found):
    expect(found(f"recipe sick-{name}"), SICK[name])
