"""Commands that break the contract."""

import pytest

from tests.checking.conftest import expect

SLOW = "importing it imports torch, which slows down its --help: import them where they are used"
SICK = {
    "explained": {("imports quickly", "fault"): SLOW},
    "exampleless": {
        ("imports quickly", "fault"): SLOW,
        ("help", "fault"): 'its help has no example: end the docstring with a line "Example: rcnnzoo exampleless ..."',
    },
    "wordless": {("imports quickly", "fault"): SLOW, ("help", "fault"): "its help is empty: write a docstring"},
}


@pytest.mark.parametrize("name", SICK)
def test_what_breaks_the_contract_is_said(name, found):
    expect(found(f"command {name}"), SICK[name])


def test_a_plugin_that_imports_torch_at_once_is_warned(found):
    words = found("sick.py")["imports quickly", "warning"]
    assert words == "importing sick imports torch, which slows down every command: import it where it is used"
