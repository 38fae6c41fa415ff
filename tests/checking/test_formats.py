"""Formats that break the contract."""

import pytest

from tests.checking.conftest import expect

REFUSES, EXECUTES = ("refuses other files", "fault"), ("executes nothing", "fault")
SICK = {
    "strict": {},
    "unsaid": {("description", "warning"): "its description lacks files and licence"},
    "homeless": {("architectures", "fault"): "its architecture 'b-x' is not registered"},
    "nameless": {("architectures", "fault"): "its description names no architectures: say which ones"},
    "crashing": {
        REFUSES: "for a missing file it raises FileNotFoundError",
        EXECUTES: "it raises UnicodeDecodeError",
    },
    "trusting": {
        REFUSES: "for a missing file it raises FileNotFoundError",
        EXECUTES: "it executes code that a file holds: read torch files with rcnnzoo.plugin.read_torch",
    },
    "lax": {REFUSES: "it accepts a missing file: raise", EXECUTES: "it accepts a file with code in it"},
    "vague": {REFUSES: "its message doesn't name the file: bad", EXECUTES: "its message doesn't name the file: bad"},
}


@pytest.mark.parametrize("name", SICK)
def test_what_breaks_the_contract_is_said(name, found):
    expect(found(f"format sick-{name}"), SICK[name])
