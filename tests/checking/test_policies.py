"""Exit policies that break the contract, each named in words by the checks that it fails, and by no others."""

import pytest

from tests.checking.conftest import expect

CROWD = "an image's scores depend on the other images of its batch"
LEADING = "scores of [2, 2, T, C] differ from those of [4, T, C]: count dimensions from the end"
FUTURE = "it is not causal: the score of step 0 changes when later steps are left out"
SICK = {
    "sure": {},
    "slotted": {},
    "prophet": {("causal", "fault"): FUTURE},
    "rounding": {("causal", "fault"): FUTURE},
    "crowd": {("images are independent", "fault"): CROWD, ("leading dimensions", "fault"): LEADING},
    "flat": {("shape", "fault"): "gave scores of shape [4] for probabilities of shape [4, 1, 2]: one score per step"},
    "picky": {("leading dimensions", "fault"): "gave scores of shape [2, 4] for probabilities of shape [2, 2, 1, 2]"},
    "nowhere": {("numbers", "fault"): "a score is not a number (NaN), at a step with the probabilities 0.5, 0.5"},
    "blind": {
        ("numbers", "fault"): "a score is not a number (NaN), at a step with the probabilities 0, 1",
        ("causal", "fault"): FUTURE,
    },
    "deciding": {("shape", "fault"): "gave true or false for scores: numbers are needed"},
    "adjustable": {("made", "fault"): "missing 1 required positional argument: 'weight': the target is called without"},
    "fixed": {("made", "fault"): "(0, 1) can't be called: scores and bounds are methods"},
    "timely": {("bounds", "fault"): "given: it is called as bounds(2, 1), categories and steps"},
    "adding": {
        ("repeats itself", "fault"): "two calls give different scores, and self.past changed: use no random numbers, "
        "and keep nothing between calls"
    },
    "prejudiced": {("repeats itself", "fault"): "), and self.past changed: keep nothing between calls"},
    "doubled": {("shape", "fault"): "TypeError: float64 is needed"},
    "beyond": {("bounds", "fault"): "is outside bounds(2, 1), 0 to 1: widen them, or clamp scores"},
    "boundless": {("bounds", "fault"): "bounds(2, 1) are (0.0, inf): two finite numbers are needed"},
    "reversed": {("bounds", "fault"): "bounds(2, 1) are 1 and 0: the smaller one comes first"},
    "upward": {("made", "fault"): 'direction is \'up\': "below" or "above"'},
    "nameless": {("made", "fault"): "unit is '': a word is needed"},
    "scoreless": {("made", "fault"): "it has no scores or bounds"},
    "tossing": {("repeats itself", "fault"): "two calls give different scores: use no random numbers, and keep"},
}


@pytest.mark.parametrize("name", SICK)
def test_what_breaks_the_contract_is_said(name, found):
    expect(found(f"policy sick-{name}"), SICK[name])


def test_one_that_changes_what_it_is_given_is_told_so(found):
    words = found("policy sick-spoiling")["shape", "fault"]
    assert words == "scores changes the probabilities that it is given: work on a copy"


def test_a_name_of_rcnnzoos_own_is_not_taken(found):
    words = found("sick.py")["loads, its names are free", "fault"]
    assert words == "policy 'entropy' of sick.py left out: rcnnzoo has one of that name; sick.py must rename it"
