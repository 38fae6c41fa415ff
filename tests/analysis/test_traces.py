"""Reading traces block by block, and networks on the same images."""

import numpy as np
import pytest
import torch

import rcnnzoo
from rcnnzoo.analysis import traces
from rcnnzoo.analysis.traces import check_same_images, in_blocks
from rcnnzoo.errors import TraceError


def trace_of(labels, seed=0):
    logits = np.random.default_rng(seed).normal(size=(len(labels), 2, 3)).astype(np.float32)
    return rcnnzoo.make_trace(logits, labels, [10, 20])


@pytest.mark.parametrize(("images_at_once", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])])
def test_blocks_are_the_trace_piece_by_piece(images_at_once, sizes, monkeypatch):
    trace = trace_of([0, 1, 2, 0, 1])
    monkeypatch.setattr(traces, "READ_BYTES", images_at_once * 2 * 3 * 4)
    blocks = list(in_blocks(trace))
    assert [len(labels) for _, labels in blocks] == sizes
    assert np.array_equal(torch.cat([logits for logits, _ in blocks]), trace["logits"])
    assert torch.cat([labels for _, labels in blocks]).tolist() == [0, 1, 2, 0, 1]


def test_images_of_no_known_category_are_counted_and_refused():
    with pytest.raises(TraceError, match="the category of 2 images is unknown, so accuracy can't be measured"):
        next(in_blocks(trace_of([0, -1, 2, -1])))


def test_logits_that_are_not_finite_are_refused():
    trace = trace_of([0, 1, 2])
    trace["logits"][1, 0, 2] = np.nan
    with pytest.raises(TraceError, match="holds logits that are not finite"):
        list(in_blocks(trace))


def test_networks_that_saw_the_same_images_may_be_compared():
    check_same_images({"a": trace_of([0, 1]), "b": trace_of([0, 1], seed=1)})


@pytest.mark.parametrize("what", ["file", "label", "category"])
def test_other_images_labels_or_categories_are_refused(what):
    first, other = trace_of([0, 1, 2]), trace_of([0, 1, 2])
    changed = other[what].copy(data=other[what].to_numpy()[::-1].copy())
    other = other.assign_coords({what: changed}) if what in other.coords else other.assign({what: changed})
    words = "a and b differ in their images: trace both with the same `data` and `split`"
    if what == "category":
        words = "a and b have different categories: networks are compared on the same ones"
    with pytest.raises(TraceError, match=words):
        check_same_images({"a": first, "b": other})


def test_the_message_says_what_each_saw():
    first, other = trace_of([0, 1]), trace_of([1, 0])
    first.attrs |= {"data": "digits", "split": "test"}
    with pytest.raises(TraceError, match=r"a \(digits test\) and b differ in their images"):
        check_same_images({"a": first, "b": other})
