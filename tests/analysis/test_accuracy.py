"""Accuracy and calibration, against scikit-learn, statsmodels' textbook formula and plain loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, log_loss, top_k_accuracy_score

import rcnnzoo
from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.errors import TraceError

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 12, 200)
LOGITS = RANDOM.normal(size=(200, 3, 12)) + 2 * np.eye(12)[LABELS][:, None]
MACS = [100, 40, 40]


@pytest.fixture(params=["instantaneous", "cumulative", "cumulative-logits"])
def readout(request):
    return request.param


def measured(readout="cumulative", logits=LOGITS, labels=LABELS, macs=MACS):
    return measure_accuracy(rcnnzoo.make_trace(logits, labels, macs), readout)


def probabilities(readout):
    return rcnnzoo.readout(readout)(torch.from_numpy(LOGITS.astype(np.float32))).double().numpy()


def test_top_1_top_5_and_log_loss_are_scikit_learns(readout):
    table = measured(readout).by_step
    for step, row in enumerate(table.to_dict("records")):
        at = probabilities(readout)[:, step]
        for name, k in (("accuracy", 1), ("top5", 5)):
            assert row[name] == pytest.approx(top_k_accuracy_score(LABELS, at, k=k, labels=range(12)))
        assert row["nll"] == pytest.approx(log_loss(LABELS, at / at.sum(-1, keepdims=True), labels=range(12)), rel=1e-5)


def test_costs_add_up():
    assert measured().by_step["mean_macs"].tolist() == [100, 140, 180]
    assert measured().by_step["step"].tolist() == [1, 2, 3]


def test_intervals_are_wilsons():
    """Wilson 1927: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    z, n = 1.959963984540054, 200
    for row in measured().by_step.to_dict("records"):
        p = row["accuracy"]
        half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        assert row["low"] == pytest.approx((p + z**2 / (2 * n) - half) / (1 + z**2 / n))
        assert row["high"] == pytest.approx((p + z**2 / (2 * n) + half) / (1 + z**2 / n))


def test_the_calibration_error_is_a_plain_loops(readout):
    table = measured(readout).by_step
    for step in range(3):
        at = probabilities(readout)[:, step]
        confidence, right = at.max(-1), at.argmax(-1) == LABELS
        expected = 0.0
        for low in range(15):
            inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
            if inside.any():
                expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
        assert table["ece"][step] == pytest.approx(expected, rel=1e-5)


def test_bins_hold_every_image_once():
    calibration = measured().calibration
    assert (calibration.groupby("step")["images"].sum() == 200).all()
    assert (calibration["confidence"] > (calibration["bin"] - 1) / 15 - 1e-6).all()
    assert (calibration["confidence"] <= calibration["bin"] / 15 + 1e-6).all()


def test_ties_go_to_the_lowest_index():
    """Eleven categories alike: the first is the answer, the first five are the top five."""
    found = measured(logits=np.zeros((11, 1, 11)), labels=range(11), macs=[1])
    assert found.by_step["accuracy"].item() == pytest.approx(1 / 11)
    assert found.by_step["top5"].item() == pytest.approx(5 / 11)
    assert found.confusion.sum(axis=0).tolist() == [11] + [0] * 10


def test_the_confusion_matrix_is_scikit_learns(readout):
    found = measured(readout)
    answers = probabilities(readout)[:, -1].argmax(-1)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(LABELS, answers, labels=range(12)))
    assert np.trace(found.confusion) == round(200 * found.by_step["accuracy"].iloc[-1])


def test_ten_categories_have_no_top_five():
    logits = RANDOM.normal(size=(20, 2, 10))
    assert "top5" not in measured(logits=logits, labels=[0] * 20, macs=[1, 1]).by_step


def test_certainty_that_is_wrong_has_a_finite_loss():
    table = measured("instantaneous", logits=[[[1e4, -1e4]]], labels=[1], macs=[1]).by_step
    assert 80 < table["nll"].item() < 100
    assert table["ece"].item() == 1
    assert "top5" not in table  # with two categories, top-5 means nothing


@given(blocks=st.integers(1, 40), images=st.integers(1, 40))
def test_blocks_do_not_matter(blocks, images):
    with pytest.MonkeyPatch.context() as patch:
        whole = measured(logits=LOGITS[:images], labels=LABELS[:images])
        patch.setattr("rcnnzoo.analysis.traces.READ_BYTES", blocks * 4 * 3 * 8)
        parts = measured(logits=LOGITS[:images], labels=LABELS[:images])
    np.testing.assert_allclose(parts.by_step.to_numpy(), whole.by_step.to_numpy(), rtol=1e-9, atol=1e-12)


def test_a_trace_without_images_is_refused():
    with pytest.raises(TraceError, match="the trace has no images"):
        measured(logits=np.zeros((0, 1, 3)), labels=[], macs=[1])
