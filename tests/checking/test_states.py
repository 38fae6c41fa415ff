"""Networks whose `present` breaks the contract, each in one way."""

import pytest
import torch

from rcnnzoo.checking.rows import Fault, Skipped
from rcnnzoo.checking.specimen import Specimen, specimen
from rcnnzoo.checking.states import areas_hold_rows, what_is_shown_may_change
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


class Named(Healthy):
    def activations(self, state):
        return {"drive": state[0], "maps": state[1]}


class Listing(Healthy):
    def activations(self, state):
        return [state[0]]


class Renaming(Healthy):
    calls = 0

    def activations(self, state):
        self.calls += 1
        return {f"maps{(self.calls - 1) // 2}": state[1]}


class Flattening(Healthy):
    def activations(self, state):
        return {"maps": state[1].flatten()}


class Centring(Healthy):
    def activations(self, state):
        return {"maps": state[1] - state[1].mean(0)}


class Spoiling(Healthy):
    def activations(self, state):
        return {"maps": state[1].mul_(2)}


class Failing(Healthy):
    def activations(self, state):
        return {"maps": state[9]}


def check_areas(kind):
    torch.manual_seed(0)
    areas_hold_rows(Specimen("sick", 16, 1.0, kind(5, 4).eval()))


def test_networks_that_name_their_areas_pass():
    check_areas(Named)
    for name in ("b", "bl", "blt", "b-u"):
        areas_hold_rows(specimen(name))
    with pytest.raises(Skipped, match="it has no method activations"):
        check_areas(Healthy)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Listing, "activations gives a list at step 0: give a dict"),
        (Renaming, "activations names other areas at step 1"),
        (Flattening, "rows come first"),
        (Centring, "rows of maps depend on other images of a batch"),
        (Spoiling, "activations changes the state at step 0"),
        (Failing, "activations fails at step 0"),
    ],
)
def test_areas_that_break_the_contract_are_said(kind, words):
    with pytest.raises(Fault, match=words):
        check_areas(kind)
