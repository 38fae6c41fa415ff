"""`rcnnzoo evaluate`."""

import os
import subprocess
import sys

import pandas as pd
import pytest

import rcnnzoo
from rcnnzoo.cli import main
from tests.cli.calling import document, printed, refused


def test_evaluate_traces_measures_and_draws(run, capsys):
    found = document(capsys, "evaluate", run)
    assert (found["images"], found["readout"], len(found["accuracy"])) == (450, "cumulative", 2)
    assert all(low < a < high for a, (low, high) in zip(found["accuracy"], found["accuracy_interval"], strict=True))
    folder = run / "traces" / "digits-test"
    files = {f"{name}.{suffix}" for name in ("accuracy", "confusion") for suffix in ("csv", "png", "svg")}
    assert {f.name for f in folder.iterdir()} == files | {"calibration.csv", "categories.csv"}
    categories = pd.read_csv(folder / "categories.csv")
    matrix = pd.read_csv(folder / "confusion.csv", index_col=0).to_numpy()
    assert categories["images"].tolist() == matrix.sum(axis=1).tolist()
    assert categories["accuracy"].tolist() == pytest.approx(matrix.diagonal() / matrix.sum(axis=1))
    assert matrix.trace() == round(450 * found["accuracy"][-1])
    assert pd.read_csv(folder / "accuracy.csv")["accuracy"].tolist() == found["accuracy"]
    # The accuracy that training wrote into the weights was measured by other code.
    claimed = rcnnzoo.load(run / "model.safetensors").card.metrics["accuracy"]
    assert found["accuracy"] == pytest.approx(claimed)
    assert document(capsys, "evaluate", run / "traces" / "digits-test.zarr")["accuracy"] == found["accuracy"]
    other = document(capsys, "evaluate", run, "--readout", "instantaneous", "--split", "train", "--out", "there")
    assert (other["images"], other["out"]) == (1347, "there")
    assert f"{100 * found['accuracy'][1]:.1f}" in printed(capsys, "evaluate", run)


def test_figures_are_written_in_the_formats_that_are_asked_for(run, capsys, tmp_path):
    found = document(capsys, "evaluate", run, "--figure-format", "pdf", "--figure-format", "png", "--out", "there")
    files = {file.name for file in (tmp_path / found["out"]).iterdir() if file.suffix != ".csv"}
    assert files == {f"{name}.{suffix}" for name in ("accuracy", "confusion") for suffix in ("pdf", "png")}
    refused(capsys, f"evaluate {run} --figure-format gif", "--figure-format")
    refused(capsys, f"profile {run} --figure-format pdf", "--figure-format needs --sweep or --measure")
    refused(capsys, f"predict {run} a.png --figure-format pdf", "--figure-format needs --figure")


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense"])
def test_a_notebooks_settings_change_nothing(run, backend, tmp_path):
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "matplotlibrc").write_text("text.usetex: True\nbackend: nonsense\nnonsense: 1\n")
    environment = {**os.environ, "MPLBACKEND": backend, "MATPLOTLIBRC": str(tmp_path / "settings")}
    command = [sys.executable, "-m", "rcnnzoo", "evaluate", str(run), "--out", str(tmp_path / "there"), "--quiet"]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    assert (tmp_path / "there" / "accuracy.png").is_file()


def test_an_incomplete_config_is_not_a_run(run, capsys):
    (run / "config.toml").write_text('data = "digits"')
    assert main(["evaluate", str(run)]) == 2
    assert "config.toml: doesn't say architecture; it is not the file that" in capsys.readouterr().err
