"""Networks whose `present` breaks the contract, each in one way."""

import pytest
import torch

from rcnnzoo.checking.rows import Fault, Skipped
from rcnnzoo.checking.specimen import Specimen, specimen
from rcnnzoo.checking.states import what_is_shown_may_change
from tests.checking.sick import Healthy


class Presenting(Healthy):
    def present(self, state, images):
        return self.drive(images), state[1]


class Forgetting(Healthy):
    def present(self, state, images):
        return self.begin(images)


class Ignoring(Healthy):
    def present(self, state, images):
        return state


class Averaging(Healthy):
    def present(self, state, images):
        drive = self.drive(images)
        return torch.where(drive == state[0], drive, drive - drive.mean(0)), state[1]


class Cropping(Healthy):
    def present(self, state, images):
        drive = self.drive(images)
        return drive if torch.equal(drive, state[0]) else drive[..., 1:], state[1]


class Crashing(Healthy):
    def present(self, state, images):
        return self.no_such_drive(images)  # type: ignore[operator]


def check(kind):
    torch.manual_seed(0)
    what_is_shown_may_change(Specimen("sick", 16, 1.0, kind(5, 4).eval()))


def test_a_network_that_keeps_the_contract_passes():
    check(Presenting)
    for name in ("b", "bl", "blt", "b-u"):
        what_is_shown_may_change(specimen(name))


def test_a_network_without_present_is_left_out():
    with pytest.raises(Skipped, match="it has no method present"):
        check(Healthy)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Forgetting, r"presenting the same images before step 1 changes state\[1\]: keep the memory"),
        (Ignoring, r"presenting other images before step 0 changes nothing"),
        (Averaging, r"presented alone, rows differ in state\[0\] from the same in a batch"),
        (Cropping, r"present changes the shape of state\[0\] before step 0"),
        (Crashing, r"present fails at step 0 \(AttributeError"),
    ],
)
def test_what_breaks_it_is_said(kind, words):
    with pytest.raises(Fault, match=words):
        check(kind)
