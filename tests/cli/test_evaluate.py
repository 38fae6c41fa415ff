"""`rcnnzoo evaluate`."""

import pandas as pd
import pytest

import rcnnzoo
from rcnnzoo.cli import main
from tests.cli.calling import document, printed


def test_evaluate_traces_measures_and_draws(run, capsys):
    found = document(capsys, "evaluate", run)
    assert (found["images"], found["readout"], len(found["accuracy"])) == (450, "cumulative", 2)
    assert all(low < a < high for a, (low, high) in zip(found["accuracy"], found["accuracy_interval"], strict=True))
    folder = run / "traces" / "digits-test"
    assert {f.name for f in folder.iterdir()} == {"accuracy.csv", "accuracy.png", "accuracy.svg", "calibration.csv"}
    assert pd.read_csv(folder / "accuracy.csv")["accuracy"].tolist() == found["accuracy"]
    # The accuracy that training wrote into the weights was measured by other code.
    claimed = rcnnzoo.load(run / "model.safetensors").card.metrics["accuracy"]
    assert found["accuracy"] == pytest.approx(claimed)
    assert document(capsys, "evaluate", run / "traces" / "digits-test.zarr")["accuracy"] == found["accuracy"]
    other = document(capsys, "evaluate", run, "--readout", "instantaneous", "--split", "train", "--out", "there")
    assert (other["images"], other["out"]) == (1347, "there")
    assert f"{100 * found['accuracy'][1]:.1f}" in printed(capsys, "evaluate", run)


def test_an_incomplete_config_is_not_a_run(run, capsys):
    (run / "config.toml").write_text('data = "digits"')
    assert main(["evaluate", str(run)]) == 2
    assert "config.toml: doesn't say architecture; it is not the file that" in capsys.readouterr().err
