"""Data sets that break the contract."""

import pytest

from tests.checking.conftest import expect

WORKERS = "train can't be sent to the processes that decode images"
SICK = {
    "fine": {},
    "refused": {},
    "beyond": {("opens", "fault"): "labels of train range from 0 to 3; categories: 2"},
    "lambda": {("reaches worker processes", "fault"): WORKERS},
    "flat": {
        ("opens", "fault"): "image 0 of train is L: read must give RGB images of Pillow's",
        ("reaches worker processes", "fault"): WORKERS,
    },
    "changing": {("stays the same", "fault"): "opened twice, its images, labels or their order differ"},
    "misnamed": {("opens", "fault"): "its splits are training: name them among train, val, test"},
    "crashed": {("refuses a missing folder", "fault"): "for a missing folder it raises FileNotFoundError"},
    "silent": {
        ("refuses a missing folder", "fault"): "for a missing folder its message is empty: raise rcnnzoo.plugin."
    },
    "placeless": {("description", "fault"): "its description lacks page, size, licence, layout: add that, or bundled="},
}


@pytest.mark.parametrize("name", SICK)
def test_what_breaks_the_contract_is_said(name, found):
    expect(found(f"data set sick-{name}"), SICK[name])
