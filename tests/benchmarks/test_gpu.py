"""`make gpu` on a processor, with a tiny network: every claim is measured, and its figures make sense."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
TINY = [
    "--width",
    "0.0625",
    "--image-size",
    "32",
    "--batch-size",
    "2",
    "--images",
    "8",
    "--rounds",
    "1",
    "--no-compile",
]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    file = tmp_path_factory.mktemp("gpu") / "gpu.json"
    done = subprocess.run([sys.executable, SCRIPT, *TINY, "--out", file], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(file.read_text())


def test_both_counters_agree(report):
    ours, theirs = (row["number"] for row in report["counts"]["rows"])
    assert ours - theirs == 8 * 1000  # ptflops counts the addition of the classifier's bias, at each step


def test_a_processor_equals_itself(report):
    for row in report["equality"]["rows"]:
        assert row["largest difference of a logit"] == 0
        assert row["same category, %"] == row["same reaction time, %"] == 100


def test_early_exit_takes_longer_the_more_steps_are_asked_for(report):
    rows = report["early_exit"]["rows"]
    assert len(rows) == 3
    assert [row["mean steps"] for row in rows] == sorted(row["mean steps"] for row in rows)
    assert all(row["fewer MACs, times"] > 1 for row in rows)


def test_each_way_to_train_is_measured_beside_the_plain_one(report):
    rows = report["training"]["rows"]
    assert rows[0]["training"] == "plain torch"
    assert rows[0]["times plain"] == 1
    assert all(row["images/s"] > 0 for row in rows)
    assert len(rows) == 7
