"""`rcnnzoo calibrate`."""

import pandas as pd

from tests.cli.calling import document, printed, refused


def test_calibrate_chooses_a_threshold_that_the_other_commands_take(run, capsys):
    found = document(capsys, "calibrate", run, "--policy", "max-prob", "--max-loss", 0.3)
    assert (found["images"], found["policy"], found["readout"], found["confidence"]) == (
        450,
        "max-prob",
        "cumulative",
        0.95,
    )
    assert not found["all_steps"]
    assert found["loss"] < found["bound"] <= 0.3
    folder = run / "traces" / "digits-test"
    assert {f.name for f in folder.iterdir()} == {f"thresholds-max-prob.{suffix}" for suffix in ("csv", "png", "svg")}
    table = pd.read_csv(folder / "thresholds-max-prob.csv")
    assert table[table["passed"]]["threshold"].iloc[-1] == found["threshold"]
    at = document(capsys, "profile", run, "--policy", "max-prob", "--threshold", found["threshold"])
    assert {name: at[name] for name in ("accuracy", "mean_steps", "mean_macs")}.items() <= found.items()
    # The table's digits give the very same threshold.
    shown = printed(capsys, "calibrate", run, "--policy", "max-prob", "--max-loss", 0.3)
    (line,) = [line for line in shown.splitlines() if "threshold (probability)" in line]
    typed = document(capsys, "profile", run, "--policy", "max-prob", "--threshold", line.split()[-1])
    assert typed["mean_macs"] == found["mean_macs"]


def test_calibrate_says_plainly_that_nothing_passes(run, capsys):
    shown = printed(capsys, "calibrate", run, "--max-loss", 0.001, "--out", "there")
    assert "no threshold can pass with 450 images (at least 2,995 are needed): run all steps" in shown
    found = document(capsys, "calibrate", run, "--max-loss", 0.001, "--out", "there")
    assert (found["threshold"], found["mean_steps"], found["saving"], found["images_needed"]) == (None, 2, 0, 2995)


def test_calibrate_gives_no_promise_on_images_that_the_network_was_trained_on(run, capsys):
    words = (
        "run was trained on these images (digits train), so a threshold chosen on them holds no promise for new ones"
    )
    refused(capsys, f"calibrate {run} --max-loss 0.3 --split train", f"{words}: give other images (--data, --split)")
