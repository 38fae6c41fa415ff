"""Traces from arrays."""

import numpy as np
import pytest
import torch

import rcnnzoo
from rcnnzoo.data.splits import UNKNOWN
from rcnnzoo.errors import TraceError

LOGITS = np.random.default_rng(0).normal(size=(6, 2, 3)).astype(np.float32)


def test_arrays_and_tensors_give_the_same():
    labels, macs = [0, 1, 2, 0, 1, 2], [10, 20]
    one = rcnnzoo.make_trace(LOGITS, labels, macs, files=list("abcdef"), categories=["x", "y", "z"])
    two = rcnnzoo.make_trace(torch.from_numpy(LOGITS), torch.tensor(labels), np.array(macs), files=list("abcdef"))
    np.testing.assert_array_equal(one["logits"], two["logits"])
    assert one["label"].values.tolist() == labels
    assert one["file"].values.tolist() == list("abcdef")
    assert one["category"].values.tolist() == ["x", "y", "z"]


def test_bfloat16_is_kept_exactly():
    half = torch.from_numpy(LOGITS).bfloat16()
    trace = rcnnzoo.make_trace(half, [0] * 6, [1, 1])
    assert torch.equal(torch.from_numpy(trace["logits"].values), half.float())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"logits": LOGITS[0]}, r"logits have 2 axes: give \[image, step, category\]"),
        ({"labels": [0, 1]}, r"labels have shape \[2\], but with these logits should have \[6\]"),
        ({"macs": [1]}, r"macs have shape \[1\], but with these logits should have \[2\]"),
        ({"labels": [0, 1, 2, 3, 0, 0]}, "labels from 0 to 3 don't fit 3 categories"),
        ({"labels": [0, -2, 2, 1, 0, 0]}, "labels from -2 to 2 don't fit 3 categories"),
        ({"files": ["a"]}, r"files have shape \[1\]"),
        ({"categories": ["a"]}, r"categories have shape \[1\]"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments, message):
    good = {"logits": LOGITS, "labels": [0] * 6, "macs": [1, 1]}
    with pytest.raises(TraceError, match=message):
        rcnnzoo.make_trace(**{**good, **arguments})


def test_images_of_unknown_category_are_kept():
    trace = rcnnzoo.make_trace(np.zeros((3, 2, 4)), [0, UNKNOWN, 3], macs=[1, 2])
    assert trace["label"].values.tolist() == [0, UNKNOWN, 3]
    with pytest.raises(TraceError, match="labels from -2 to 3"):
        rcnnzoo.make_trace(np.zeros((3, 2, 4)), [0, -2, 3], macs=[1, 2])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused(value):
    logits = np.zeros((3, 2, 4))
    logits[1, 0, 2] = value
    with pytest.raises(TraceError, match="logits of image 1 are not finite"):
        rcnnzoo.make_trace(logits, [0, 0, 0], macs=[1, 2])
