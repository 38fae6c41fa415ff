"""The easiest and the hardest images of a network."""

from pathlib import Path

import numpy as np
import pytest

from rcnnzoo.recording.labelled import make_trace
from rcnnzoo.references import Reference
from rcnnzoo.report.examples import SHOWN, examples
from rcnnzoo.report.subjects import Member, alike
from rcnnzoo.subjects import OpenTrace


def subjects(steps, images=40):
    """A network that is surer of an image the smaller its number is."""
    sure = np.linspace(6, 0.1, images)[:, None] * np.linspace(0.5, 1, steps)
    logits = sure[:, :, None] * np.array([1.0, 0.0, -1.0])
    files = [f"{number}.png" for number in range(images)]
    trace = make_trace(logits, [0, 1] * (images // 2), [1] * steps, files=files, categories=["cat", "dog", "fox"])
    member = Member(Reference("x.zarr"), OpenTrace(Path("x.zarr"), trace))
    return alike({"net": {0: member}})


def test_they_are_in_the_order_of_uncertainty_averaged_over_steps():
    found = examples(subjects(3), "entropy", "instantaneous", None, None)
    assert found is not None
    files = {kind: [one["file"] for one in found["images"] if one["kind"] == kind] for kind in ("easiest", "hardest")}
    assert files == {
        "easiest": [f"{number}.png" for number in range(SHOWN)],
        "hardest": [f"{number}.png" for number in range(39, 39 - SHOWN, -1)],
    }
    assert found["note"].startswith("Pictures are not shown: a trace does not hold them")


def test_probabilities_are_those_of_the_readout_and_the_true_category_is_among_them():
    found = examples(subjects(3), "entropy", "instantaneous", None, None)
    assert found is not None
    first, second = found["images"][:2]
    logits = 6 * np.linspace(0.5, 1, 3)[:, None] * [1, 0, -1]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(first["probabilities"][0], expected[:, 0], atol=1e-4)
    entropy = -(expected * np.log(expected)).sum(axis=1).mean()
    assert first["measure"] == f"mean entropy {entropy:.3g} nats"
    assert (first["label"], first["right"], first["categories"][0]) == ("cat", True, "cat")
    assert (second["label"], second["right"], second["categories"][0]) == ("dog", False, "dog")


@pytest.mark.parametrize(("steps", "policy"), [(1, "entropy"), (3, "fixed-steps")])
def test_there_are_none_without_time_or_if_all_images_are_alike(steps, policy):
    assert examples(subjects(steps), policy, "instantaneous", None, None) is None
