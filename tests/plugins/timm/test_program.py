"""From training to behaviour, by the commands that users type."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
import xarray

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.data.opening import open_data
from rcnnzoo.profiling.operations import macs_per_step
from tests.docs.test_docs import DOCS, blocks, run_commands

RUN = "runs/timm-test_resnet-digits-seed0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the page's commands have been run, as written."""
    folder = tmp_path_factory.mktemp("timm")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for _, code in blocks(DOCS / "timm.md", "bash"):
            run_commands(code)
    return folder


@pytest.fixture(autouse=True)
def _there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def document(capsys, *typed):
    capsys.readouterr()
    assert main([*typed, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_run_learns_and_is_evaluated_at_every_stage(capsys):
    losses = pd.read_csv(f"{RUN}/metrics.csv")["train_loss"]
    assert losses.iloc[1] < losses.iloc[0]
    assert len(document(capsys, "evaluate", RUN)["accuracy"]) == 5


def test_traces_hold_features_of_each_width():
    assert main(["trace", RUN, "--data", "digits", "--features", "--out", "t.zarr"]) == 0
    network = rcnnzoo.load(f"{RUN}/model.safetensors")
    with xarray.open_zarr("t.zarr") as trace:
        arrays = {name: array for name, array in trace.data_vars.items() if name.startswith("features")}
        assert [array.shape[1] for array in arrays.values()] == [c.in_features for c in network.classifier]
        for t, (array, classifier) in enumerate(
            zip(arrays.values(), network.get_submodule("classifier").children(), strict=True)
        ):
            with torch.no_grad():
                logits = classifier(torch.from_numpy(array.values))
            torch.testing.assert_close(logits, torch.from_numpy(trace["logits"].values[:, t]), rtol=1e-3, atol=1e-4)


def test_the_sweep_goes_from_the_first_stage_to_all():
    (table,) = Path(RUN).rglob("sat.csv")
    curve = pd.read_csv(table)
    costs = macs_per_step(rcnnzoo.load(f"{RUN}/model.safetensors"))
    assert curve["mean_macs"].min() == costs[0]
    assert curve["mean_macs"].max() == sum(costs)


def test_predictions_stop_early(capsys):
    image = open_data("digits").split("test").read(0)
    image.save("digit.png")
    (row,) = document(capsys, "predict", RUN, "digit.png", "--policy", "fixed-steps", "--threshold", "2")
    assert row["reaction_time"] == 2


def test_classifiers_alone_and_the_same_run_again(tmp_path):
    typed = ["--data", "digits", "--epochs", "1", "--precision", "fp32", "--classifiers-only", "--out"]
    assert main(["train", "timm/test_resnet", *typed, str(tmp_path / "a")]) == 0
    before = rcnnzoo.build("timm/test_resnet", categories=10, image_size=32).state_dict()
    after = rcnnzoo.load(tmp_path / "a" / "model.safetensors").state_dict()
    changed = {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])}
    assert changed == {"classifier"}
    assert sum(name.startswith("classifier") for name in after) == 10
    assert main(["train", "--config", str(tmp_path / "a" / "config.toml"), "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (tmp_path / "b" / "model.safetensors").read_bytes()


def test_a_misspelt_network_is_one_line_and_leaves_nothing(capsys, tmp_path):
    assert main(["train", "timm/test_resnt", "--data", "digits", "--out", str(tmp_path / "run")]) == 2
    assert "unknown timm network 'test_resnt': did you mean 'test_resnet'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["info", "profile"])
def test_costs_that_differ_from_step_to_step_are_all_shown(command, capsys):
    assert main([command, RUN]) == 0
    shown = capsys.readouterr().out
    for macs in macs_per_step(rcnnzoo.load(f"{RUN}/model.safetensors")):
        short = f"{macs / 1e3:.3g}k" if macs < 999_500 else f"{macs / 1e6:.3g}M"
        assert {"info": f"{macs:,}", "profile": short}[command] in shown
