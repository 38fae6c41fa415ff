"""Verdicts on the paper's claims, for networks whose answers are known."""

import numpy as np
import pytest

from rcnnzoo.analysis.differences import Difference
from rcnnzoo.recording.labelled import make_trace
from rcnnzoo.references import Reference
from rcnnzoo.report.claims import FAILS, HOLDS, OPEN, UNTESTED, _above, _equal, claims
from rcnnzoo.report.subjects import Member, alike
from rcnnzoo.subjects import OpenTrace

MACS = {"bl": [10, 30, 30], "b": [10], "b-k": [50]}


def network(architecture, accuracy, seeds, images=400, slow=0.0):
    """Members that are right with these probabilities at each step; unsure for longer on the first half of images.

    Args:
        architecture: Its name.
        accuracy: At each step.
        seeds: Of the members.
        images: How many.
        slow: How much less sure of the first half.
    """
    members = {}
    for seed in seeds:
        random = np.random.default_rng([seed, len(architecture), int(1000 * accuracy[0])])
        right = random.random((images, len(accuracy))) < accuracy
        if slow:
            right[: images // 2] = random.random((images // 2, len(accuracy))) < np.array(accuracy) - 0.3
        sure = np.linspace(1, 2, len(accuracy)) + 2 * random.random((images, len(accuracy)))
        sure[: images // 2] -= slow
        logits = np.where(right, sure, -sure)[:, :, None] * [1, -1]
        about = {"architecture": architecture, "parameters": {"bl": 100, "b": 30}.get(architecture, 95)}
        trace = make_trace(logits, [0] * images, macs=MACS[architecture], attributes=about)
        members[seed] = Member(Reference(architecture), OpenTrace(None, trace))  # type: ignore[arg-type]
    return members


def found(networks, people=()):
    return {claim["claim"]: claim for claim in claims(alike(networks), "entropy", "instantaneous", people)}


def about(rows, words):
    (row,) = [row for claim, row in rows.items() if words in claim]
    return row


@pytest.mark.parametrize(
    ("ends", "above", "equal"),
    [
        ((0.03, 0.05), HOLDS, FAILS),
        ((-0.05, -0.03), FAILS, FAILS),
        ((-0.01, 0.05), OPEN, OPEN),
        ((-0.01, 0.01), OPEN, HOLDS),
        ((0.001, 0.01), HOLDS, HOLDS),
    ],
)
def test_verdicts_follow_from_the_interval(ends, above, equal):
    one = Difference(float(np.mean(ends)), ends, (-1.0, 1.0))
    assert (_above(one), _equal(one)) == (above, equal)


def test_a_better_network_is_found_better_and_a_worse_one_worse():
    seeds = range(3)
    rows = found({"bl": network("bl", [0.5, 0.7, 0.9], seeds), "b": network("b", [0.5], seeds)})
    better = about(rows, "bl is more accurate than b,")
    assert better["verdict"] == HOLDS
    assert "over seeds" in better["interval"]
    assert "over images" in better["interval"]
    assert about(rows, "when it runs longer")["verdict"] == HOLDS
    worse = found({"bl": network("bl", [0.5, 0.5, 0.5], seeds), "b": network("b", [0.9], seeds)})
    assert about(worse, "bl is more accurate than b,")["verdict"] == FAILS
    assert about(worse, "more accurate than b-k")["verdict"] == UNTESTED


def test_the_difference_is_the_one_of_accuracies():
    networks = {"bl": network("bl", [0.5, 0.7, 0.9], [0, 1]), "b": network("b", [0.6], [0, 1])}
    accuracy = {
        name: np.mean([(m.opened.trace["logits"][:, -1, 0] > 0).mean() for m in of.values()])
        for name, of in networks.items()
    }
    row = about(found(networks), "bl is more accurate than b,")
    assert float(row["ours"].split()[0]) == pytest.approx(100 * (accuracy["bl"] - accuracy["b"]), abs=0.051)


def test_longer_on_images_that_the_baseline_gets_wrong():
    seeds = range(4)
    slow = network("bl", [0.5, 0.7, 0.9], seeds, slow=1.0)
    rows = found({"bl": slow, "b": network("b", [0.8], seeds, slow=1.0)})
    row = about(rows, "takes more time over images")
    assert row["verdict"] == HOLDS
    assert float(row["ours"].split()[0]) > 0.1
    others = range(100, 104)  # which images b gets wrong has nothing to do with bl
    same = found({"bl": network("bl", [0.5, 0.7, 0.9], others), "b": network("b", [0.5], others)})
    assert about(same, "takes more time over images")["verdict"] == OPEN


def test_parameters_are_compared_with_the_controls():
    rows = found({"bl": network("bl", [0.5, 0.6, 0.7], [0]), "b-k": network("b-k", [0.5], [0])})
    row = about(rows, "at least about as many")
    assert (row["ours"], row["verdict"]) == ("bl 100, b-k 95", HOLDS)
    assert "28.9M" in row["paper"]


def test_equal_at_equal_cost_only_where_both_can_have_it():
    seeds = [0]
    rows = found({"bl": network("bl", [0.5, 0.7, 0.9], seeds), "b-k": network("b-k", [0.3], seeds)})
    assert about(rows, "as accurate as b-k at the same mean cost")["verdict"] == FAILS
    assert about(rows, "as accurate as b at the same")["verdict"] == UNTESTED


def study(r, p, difference, p_difference):
    comparison = {
        "a": "bl",
        "b": "b",
        "measure": "reaction time",
        "difference": difference,
        "p_corrected": p_difference,
    }
    return {
        "name": "people",
        "correlations": [
            {"network": "bl", "measure": "reaction time", "r": r, "low": r - 0.1, "high": r + 0.1, "p": p, "n": 40}
        ],
        "tables": [
            {"title": "comparisons", "rows": [comparison | {"low": difference - 0.1, "high": difference + 0.1}]}
        ],
    }


@pytest.mark.parametrize(
    ("r", "p", "verdict"),
    [(0.3, 0.01, HOLDS), (0.05, 0.4, OPEN), (-0.3, 0.99, FAILS), (0.3, None, HOLDS), (0.05, None, OPEN)],
)
def test_people_are_predicted_if_the_correlation_is_positive_by_more_than_chance(r, p, verdict):
    networks = {"bl": network("bl", [0.5, 0.6, 0.7], [0]), "b": network("b", [0.5], [0])}
    rows = found(networks, [study(r, p, 0.2, 0.01)])
    assert about(rows, "predict where people hesitate")["verdict"] == verdict
    assert about(rows, "hesitation better than b (")["verdict"] == HOLDS
    assert about(rows, "hesitation better than b-d (")["verdict"] == UNTESTED


def test_without_the_recurrent_network_there_are_no_claims():
    assert found({"b": network("b", [0.5], [0])}) == {}
