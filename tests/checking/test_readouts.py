"""Readouts that break the contract."""

import pytest

from tests.checking.conftest import expect

SICK = {
    "softmax": {},
    "foresight": {("causal", "fault"): "it is not causal: the probabilities of step 0 change when later steps"},
    "unsummed": {("probabilities", "fault"): ", not to 1"},
    "mixed": {("images are independent", "fault"): "an image's probabilities depend on the other images of its batch"},
    "halved": {
        ("half precision", "fault"): "logits in bfloat16 are not computed in float32: begin with logits.float()"
    },
    "last": {("probabilities", "fault"): "it gives [4, 1, 3] for logits [4, 2, 3]: the same shape is needed"},
    "missing": {("imported", "fault"): "importing sick:nothing failed: AttributeError: module 'sick' has no attribute"},
}


@pytest.mark.parametrize("name", SICK)
def test_what_breaks_the_contract_is_said(name, found):
    expect(found(f"readout sick-{name}"), SICK[name])
