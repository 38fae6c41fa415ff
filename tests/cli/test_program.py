"""The program as users call it: what it prints, what it writes, and what it says of bad input."""

import json
import os
import pickle
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import torch
from PIL import Image

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.cli import main
from rcnnzoo.training import loop
from tests.data.lookalikes import make_classes, make_ecoset, make_imagenet, make_kaggle_imagenet, save_image

pytestmark = pytest.mark.filterwarnings("always::rcnnzoo.data.unreadable.DataWarning")
TINY = ["--width", "0.0625", "--image-size", "8", "--epochs", "1", "--precision", "fp32"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Each test in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RCNNZOO_DATA", raising=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of bl on digits that no test changes."""
    folder = tmp_path_factory.mktemp("runs") / "bl"
    assert main(["train", "bl", "--data", "digits", *TINY, "--steps", "2", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it to change."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def twin(trained, tmp_path):
    """Another copy, of the same name elsewhere."""
    return shutil.copytree(trained, tmp_path / "elsewhere" / "run")


@pytest.fixture(scope="module")
def trained_b(tmp_path_factory):
    """A run of b on digits that no test changes."""
    folder = tmp_path_factory.mktemp("runs") / "b"
    assert main(["train", "b", "--data", "digits", *TINY, "--out", str(folder)]) == 0
    return folder


def printed(capsys, *typed):
    assert main([*map(str, typed)]) == 0
    return capsys.readouterr().out


def document(capsys, *typed):
    return json.loads(printed(capsys, *typed, "--json"))


def test_list(capsys):
    rows = document(capsys, "list")
    assert {"name": "bl", "kind": "architectures", "package": "rcnnzoo"}.items() <= rows[4].items()
    assert {row["kind"] for row in rows} >= {"architectures", "readouts", "data", "commands", "plugins"}
    assert [row["name"] for row in document(capsys, "list", "readouts")] == plugins.names("readouts")
    assert "cumulative-logits" in printed(capsys, "list", "readouts")


def test_info_of_an_architecture(capsys):
    summary = document(capsys, "info", "bl", "--categories", 565)
    assert summary["parameters"] == 27_979_605
    assert (summary["architecture"], summary["categories"], summary["steps"]) == ("bl", 565, 8)
    assert len(summary["macs_per_step"]) == 8
    assert summary["macs"] == sum(summary["macs_per_step"])
    table = printed(capsys, "info", "b-d", "--width", 0.5)
    assert "layers.13.bottom_up" in table


def test_info_of_a_run(trained, capsys):
    summary = document(capsys, "info", trained)
    assert (summary["image_size"], summary["steps"], summary["categories"]) == (8, 2, 10)
    tensors = (trained / "model.safetensors").stat().st_size
    assert summary["weights_bytes"] < tensors < summary["weights_bytes"] + 20_000


def test_train_says_what_it_came_to(capsys):
    summary = document(capsys, "train", "b", "--data", "digits", *TINY)
    assert summary["run"] == "runs/b-digits-seed0"
    assert summary["metrics"]["images"] == 450
    assert 0 <= summary["metrics"]["accuracy"][0] <= 1


def test_a_runs_config_repeats_it(trained, capsys):
    printed(capsys, "train", "--config", trained / "config.toml", "--out", "again")
    assert rcnnzoo_file("again") == rcnnzoo_file(trained)


def rcnnzoo_file(run):
    with open(os.path.join(run, "model.safetensors"), "rb") as file:
        return file.read()


def test_resuming_a_finished_run_says_so_and_is_no_error(run, capsys):
    before = rcnnzoo_file(run)
    assert main(["train", "--config", str(run / "config.toml"), "--out", str(run), "--resume"]) == 0
    assert "finished already" in capsys.readouterr().err
    assert rcnnzoo_file(run) == before


def test_evaluate_traces_measures_and_draws(run, capsys):
    found = document(capsys, "evaluate", run)
    assert (found["images"], found["readout"], len(found["accuracy"])) == (450, "cumulative", 2)
    assert all(low < a < high for a, (low, high) in zip(found["accuracy"], found["accuracy_interval"], strict=True))
    folder = run / "traces" / "digits-test"
    assert {f.name for f in folder.iterdir()} == {"accuracy.csv", "accuracy.png", "accuracy.svg", "calibration.csv"}
    assert pd.read_csv(folder / "accuracy.csv")["accuracy"].tolist() == found["accuracy"]
    # The accuracy that training wrote into the weights was measured by other code.
    claimed = rcnnzoo.load(run / "model.safetensors").metadata["metrics"]["accuracy"]
    assert found["accuracy"] == pytest.approx(claimed)
    assert document(capsys, "evaluate", run / "traces" / "digits-test.zarr")["accuracy"] == found["accuracy"]
    other = document(capsys, "evaluate", run, "--readout", "instantaneous", "--split", "train", "--out", "there")
    assert (other["images"], other["out"]) == (1347, "there")
    assert f"{100 * found['accuracy'][1]:.1f}" in printed(capsys, "evaluate", run)


def test_verify_measures_the_claim_again_and_finds_a_changed_file(run, capsys):
    checks = document(capsys, "verify", run, "--data", "digits")["checks"]
    assert {check["name"]: check["ok"] for check in checks} == {
        "SHA-256 of the file": None,
        "hash of tensors and metadata": True,
        "tensors": True,
        "categories": None,
        "accuracy on digits test": True,
    }
    network = rcnnzoo.load(run / "model.safetensors")
    network.metadata["metrics"]["accuracy"][0] += 0.1
    rcnnzoo.save(network, run / "model.safetensors")
    assert main(["verify", str(run), "--data", "digits"]) == 2
    out, error = capsys.readouterr()
    assert "FAILS" in out
    assert error == f"error: {run}/model.safetensors: accuracy on digits test: not what it should be\n"


def test_trace_says_where_and_of_what(run, capsys):
    found = document(capsys, "trace", run, "--out", "a.zarr", "--features")
    assert (found["trace"], found["images"], found["split"], found["features"]) == ("a.zarr", 450, "test", True)
    assert printed(capsys, "trace", run, "--out", "a.zarr", "--features") == "a.zarr\n"  # again: it is there
    assert printed(capsys, "trace", run).strip() == str(run / "traces" / "digits-test.zarr")


def test_predict_decides_as_the_network_does(run, capsys, tmp_path):
    save_image(tmp_path / "grey.png", 3, mode="L", form="PNG")
    save_image(tmp_path / "print.jpg", 4, mode="CMYK")
    rows = document(capsys, "predict", run, "grey.png", "print.jpg", "--figure", "--out", "seen")
    network = rcnnzoo.load(run / "model.safetensors")
    for row in rows:
        with Image.open(row["image"]) as image:
            small = image.convert("RGB").resize((10, 8), Image.Resampling.BILINEAR).crop((1, 0, 9, 8))
        pixels = torch.tensor(list(small.get_flattened_data())).view(1, 8, 8, 3).permute(0, 3, 1, 2) / 127.5 - 1
        expected = torch.softmax(network(pixels), -1).mean(1)[0]
        assert row["category"] == str(expected.argmax().item())
        assert row["confidence"] == pytest.approx(expected.max().item(), abs=0.02)
        assert row["reaction_time"] == 2
        assert row["macs"] == document(capsys, "info", run)["macs"]
        assert next(iter(row["top"])) == row["category"]
        assert row["top"][row["category"]][-1] == row["confidence"]
    assert {f.name for f in (tmp_path / "seen").iterdir()} == {f"predictions.{s}" for s in ("csv", "png", "svg")}
    assert pd.read_csv("seen/predictions.csv")["confidence"].tolist() == [row["confidence"] for row in rows]


def test_predict_stops_by_a_threshold(run, capsys, tmp_path):
    save_image(tmp_path / "grey.png", 3, mode="L", form="PNG")
    full, *_ = document(capsys, "predict", run, "grey.png")
    (once,) = document(capsys, "predict", run, "grey.png", "--policy", "max-prob", "--threshold", 0.1, "--figure")
    assert (full["reaction_time"], once["reaction_time"]) == (2, 1)
    assert once["macs"] == document(capsys, "info", run)["macs_per_step"][0]
    assert once["top"][once["category"]] == [once["confidence"]]
    assert (tmp_path / "predictions" / "predictions.svg").is_file()
    first = full["top"][full["category"]][0]
    assert [len(course) for course in full["top"].values()] == [2] * 5
    if full["category"] in once["top"]:
        assert once["top"][full["category"]] == [pytest.approx(first)]
    (never,) = document(capsys, "predict", run, "grey.png", "--threshold", "-inf")  # of entropy
    assert never == full


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
    assert {f.name for f in folder.iterdir()} == {f"thresholds.{suffix}" for suffix in ("csv", "png", "svg")}
    table = pd.read_csv(folder / "thresholds.csv")
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
    assert "run all steps: no threshold can pass with 450 images, it takes 2,995 or more" in shown
    found = document(capsys, "calibrate", run, "--max-loss", 0.001, "--out", "there")
    assert (found["threshold"], found["mean_steps"], found["saving"], found["images_needed"]) == (None, 2, 0, 2995)


def test_profile_counts_what_each_module_costs(run, capsys):
    found = document(capsys, "profile", run)
    assert found["macs"] == document(capsys, "info", run)["macs"]
    assert [sum(step) for step in zip(*found["modules"].values(), strict=True)] == found["macs_per_step"]
    assert "layers.1.lateral.0" in printed(capsys, "profile", run)


def test_profile_sweeps_the_newest_run_beside_another(trained, run, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "runs" / "mine")
    assert main(["train", "b", "--data", "digits", *TINY, "--out", "control"]) == 0
    capsys.readouterr()
    assert main(["profile", "--policy", "entropy", "--sweep", "--against", "control", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "profiling runs/mine\n"
    found = json.loads(captured.out)
    accuracy = document(capsys, "evaluate", "runs/mine")["accuracy"]
    assert (found["accuracy"][0], found["accuracy"][-1]) == pytest.approx(tuple(accuracy))
    assert (found["mean_steps"][0], found["mean_steps"][-1]) == (1, 2)
    assert [other["name"] for other in found["against"]] == ["control"]
    folder = tmp_path / "runs/mine/traces/digits-test"
    assert {f.name for f in folder.iterdir()} >= {"sat.csv", "against.csv", "oracle.csv", "sat.png", "sat.svg"}
    table = pd.read_csv(folder / "sat.csv")
    assert list(table) == ["threshold", "accuracy", "mean_steps", "mean_macs"]
    assert len(table) == len(found["accuracy"])
    at = document(capsys, "profile", "runs/mine", "--threshold", table["threshold"][7])
    assert at["accuracy"] == table["accuracy"][7]
    assert at["mean_macs"] == table["mean_macs"][7]
    assert "distinct outcomes" in printed(capsys, "profile", "--sweep", "--policy", "max-prob")


def test_profile_draws_a_band_of_every_network(run, twin, tmp_path, capsys):
    typed = ["profile", run, "--sweep", "--against", twin, "--bootstrap", 100, "--seed", 5, "--out", "seen"]
    found = document(capsys, *typed)
    assert found["bootstrap"] == {"resamples": 100, "seed": 5}
    table = pd.read_csv("seen/band.csv")
    assert list(table) == ["network", "mean_macs", "accuracy", "low", "high", "resamples", "seed"]
    assert table["network"].unique().tolist() == [str(run), str(twin)]  # both are called run: neither hides the other
    assert table["low"].tolist() == found["band"]["low"] + found["against"][0]["band"]["low"]
    assert found["band"]["accuracy"][-1] == found["accuracy"][-1]
    assert set(pd.read_csv("seen/against.csv")["network"]) == {str(run), str(twin)}
    assert document(capsys, *typed)["band"] == found["band"]
    assert document(capsys, *typed[:-4], "--seed", 6)["band"] != found["band"]


def test_profile_finds_a_threshold_for_a_budget_or_an_accuracy(run, capsys):
    first, both = (sum(document(capsys, "info", run)["macs_per_step"][:steps]) for steps in (1, 2))
    found = document(capsys, "profile", run, "--budget", f"{(first + both) / 2e6}M")
    assert (found["chosen_on"]["images"], found["reported_on"]["images"]) == (225, 225)
    assert first <= found["chosen_on"]["mean_macs"] <= found["budget"] == pytest.approx((first + both) / 2)
    at = document(capsys, "profile", run, "--threshold", found["threshold"])
    halves = [found["chosen_on"]["accuracy"], found["reported_on"]["accuracy"]]
    assert at["accuracy"] == pytest.approx(sum(halves) / 2)  # the halves make up the whole
    least = document(capsys, "profile", run, "--accuracy", 0, "--policy", "max-prob")
    assert least["chosen_on"]["mean_steps"] == 1
    assert "reported on" in printed(capsys, "profile", run, "--budget", both)
    assert document(capsys, "profile", run, "--budget", both, "--seed", 1)["reported_on"] != found["reported_on"]


def test_profile_measures_what_stopping_early_takes_here(run, tmp_path, capsys):
    options = ["--measure", "--images", 20, "--out", "there"]
    found = document(capsys, "profile", run, "--threshold", 1.5, *options, "--precision", "bf16")
    measured = found["measurement"]
    assert measured["threshold"] == [None, 1.5]
    assert measured["mean_steps"][0] == 2
    assert min(measured["latency_ms"] + measured["images_per_second"] + measured["peak_memory"]) > 0
    assert measured["joules"] == [None, None]
    assert measured["agreement"]["threshold"] == [None, 1.5]
    assert (measured["images"], measured["precision"], measured["convolutions"]) == (20, "bf16", [])
    assert {f.name for f in (tmp_path / "there").iterdir()} == {"measure.csv", "measure.png", "measure.svg"}
    assert pd.read_csv("there/measure.csv")["images_per_second"].tolist() == measured["images_per_second"]
    assert found["mean_steps"] == document(capsys, "profile", run, "--threshold", 1.5)["mean_steps"]
    shown = printed(capsys, "profile", run, *options)
    assert "MACs an image" in shown
    assert "times fewer MACs" in shown
    chosen = document(capsys, "profile", run, "--accuracy", 0, *options)
    assert chosen["measurement"]["threshold"] == [None, chosen["threshold"]]


def test_compare_tests_every_pair(run, twin, trained_b, tmp_path, capsys):
    found = document(capsys, "compare", run, trained_b, twin, "--bootstrap", 100, "--out", "table1")
    names = [str(run), "b", str(twin)]
    accuracies = [document(capsys, "evaluate", name)["accuracy"][-1] for name in (run, trained_b, twin)]
    assert [set(model) for model in found["models"]] == [{"name", "accuracy", "interval", "parameters"}] * 3
    assert [model["name"] for model in found["models"]] == names
    assert [model["accuracy"] for model in found["models"]] == accuracies
    assert found["models"][1]["parameters"] == document(capsys, "info", trained_b)["parameters"]
    assert [[pair["a"], pair["b"]] for pair in found["pairs"]] == [names[:2], names[::2], names[1:]]
    for pair in found["pairs"]:
        keys = {"a", "b", "only_a", "only_b", "statistic", "p", "p_corrected", "p_holm", "at_equal_cost"}
        assert set(pair) == keys
        a, b = (accuracies[names.index(pair[side])] for side in ("a", "b"))
        assert pair["only_a"] - pair["only_b"] == round(450 * (a - b))
    same = found["pairs"][1]  # a network and its copy
    assert (same["p"], same["at_equal_cost"]["interval"]) == (1, [0, 0])
    cost = found["pairs"][0]["at_equal_cost"]["mean_macs"]
    assert cost == document(capsys, "info", trained_b)["macs"]
    files = {f"compare.{suffix}" for suffix in ("png", "svg")} | {"models.csv", "pairs.csv"}
    assert {f.name for f in (tmp_path / "table1").iterdir()} == files
    assert pd.read_csv("table1/pairs.csv")["p"].tolist() == [pair["p"] for pair in found["pairs"]]
    assert "McNemar" in printed(capsys, "compare", run, trained_b, "--cost", cost, "--bootstrap", 100)


@pytest.mark.parametrize("make", [make_imagenet, make_kaggle_imagenet])
def test_imagenet_runs_to_the_end(make, tmp_path, capsys):
    """On a tiny look-alike with greyscale and CMYK JPEGs and a PNG named .JPEG, at the usual 128 pixels."""
    make(tmp_path / "imagenet")
    options = ["--width", "0.0625", "--steps", "2", "--epochs", "2", "--batch-size", "4", "--workers", "1"]
    summary = document(capsys, "train", "bl", "--data", "imagenet", "--data-dir", tmp_path, *options)
    assert rcnnzoo.load("runs/bl-imagenet-seed0/model.safetensors").metadata["options"]["image_size"] == 128
    assert summary["metrics"]["split"] == "val"
    assert summary["metrics"]["images"] == 9


def test_ecoset_runs_to_the_end(tmp_path, capsys, monkeypatch):
    make_ecoset(tmp_path / "data" / "ecoset")
    monkeypatch.setenv("RCNNZOO_DATA", str(tmp_path / "data"))
    options = ["--width", "0.0625", "--steps", "2", "--epochs", "2", "--batch-size", "4", "--workers", "1"]
    assert main(["train", "bl", "--data", "ecoset", *options]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("warning: ")
    assert "4 of ecoset's 565 categories" in captured.err
    metadata = rcnnzoo.load("runs/bl-ecoset-seed0/model.safetensors").metadata
    assert metadata["categories"] == ["0001_man", "0002_house", "0005_car", "0017_fish"]
    assert pd.read_csv("runs/bl-ecoset-seed0/metrics.csv")["val_accuracy_2"].notna().all()
    assert metadata["metrics"]["split"] == "test"


def spoiled(tmp_path):
    """All that bad input is made of."""
    make_classes(tmp_path / "one", ("cat",))
    (make_classes(tmp_path / "gap") / "empty").mkdir()
    make_classes(tmp_path / "pets")
    for folder, files in (("dark", 8), ("dim", 3)):
        make_classes(tmp_path / folder, size=(20, 20))
        for file in sorted((tmp_path / folder).rglob("*.jpg"))[:files]:
            file.write_text("no picture")
    make_classes(tmp_path / "mixed" / "train")
    make_classes(tmp_path / "mixed" / "test", ("cat", "fox"))
    (tmp_path / "text.jpg").write_text("once upon a time")
    save_image(tmp_path / "fine.jpg", 1)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text.tex").write_text("mine")
    content = (tmp_path / "run" / "model.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(content[: len(content) // 2])
    (tmp_path / "bad.safetensors").write_bytes(pickle.dumps({"weights": [1, 2, 3]}))


BAD = {
    "train b-l --data digits": "unknown architecture 'b-l': did you mean 'bl'",
    "train bl --data nowhere/pets": "nowhere/pets: no such folder",
    "train bl --data ecoset": "data set 'ecoset': it isn't said where it lies; get it from https://",
    "train bl --data one --val-fraction 0.5": "1 category in all: a classifier needs at least 2",
    "train bl --data ./gap --val-fraction 0.5": "gap/empty: a class folder without images",
    "train bl --data ./dark --val-fraction 0.5": "none is readable",
    "train bl --data ./dim --val-fraction 0.5 --image-size 8 --max-bad 1": "allow more with --max-bad",
    "train bl --data ./mixed": "mixed's test split differ from those of its train split",
    "train bl --data ./pets": "has no train split: hold images out with --val-fraction 0.1",
    "train bl --data digits --image-size 1": "--image-size 1: take at least 2",
    "train bl --data digits --width 0.001": "--width 0.001 leaves no feature maps",
    "train bl --data digits --steps 0": "--steps 0: take at least 1",
    "train bl --data digits --batch-size 0": "--batch-size 0: take at least 1",
    "train bl --data digits --epochs 0": "--epochs 0: take at least 1",
    "train bl --data digits --lr nan": "--lr nan",
    "train bl --data digits --lr 1e30": "--lr 1e+30: take a number above 0, up to 1000",
    "train bl --data digits --seed -1": "--seed -1: take at least 0",
    "train bl --data digits --image-size 0": "--image-size 0: take at least 2",
    "info bl --width 1e9": "--width 1e+09: take at most 1000",
    "train bl --data digits --optimizer sdg": "unknown optimizer 'sdg'",
    "train bl --data digits --schedule cosin": "unknown schedule 'cosin': did you mean 'cosine'",
    "train bl --data digits --recipe modren": "unknown recipe 'modren': did you mean 'modern'",
    "train bl --data digits --precision fp8": "unknown precision 'fp8'",
    "train bl --data digits --out thesis": "thesis: exists and is no run",
    "train b --data digits --resume --out run": "can't be resumed, it was started with architecture 'bl', not 'b'",
    "train bl --config none.toml": "--config none.toml: can't be read",
    "train": "no architecture: name one",
    "train bl": "no data: give --data",
    "info half.safetensors": "damaged or no safetensors file",
    "evaluate half.safetensors --data digits": "damaged or no safetensors file",
    "predict bad.safetensors fine.jpg": "is a pickle, which can hold code and is never opened here",
    "predict run text.jpg --figure": "text.jpg: no image, or a damaged one",
    "predict run fine.jpg none.jpg": "none.jpg: can't be read (No such file or directory)",
    "predict run": "Missing argument 'IMAGE...'",
    "predict run fine.jpg --readout cumulativ": "unknown readout 'cumulativ': did you mean 'cumulative'",
    "evaluate run --data ./pets": "categories of pets's all split differ from those of the network: 2 categories",
    "evaluate run --split val": "digits has no split 'val': there are train, test",
    "evaluate run --readout lats": "unknown readout 'lats'",
    "evaluate bl": "it isn't said which images: give --data",
    "trace run --out thesis": "thesis: no trace written by rcnnzoo",
    "trace run --precision fp7": "unknown precision 'fp7'",
    "profile run --policy entropie --sweep": "unknown policy 'entropie': did you mean 'entropy'",
    "profile run --sweep --threshold 1": "--sweep and --threshold exclude each other",
    "profile run --against run": "--against needs --sweep",
    "calibrate run --max-loss 1": "--max-loss 1: take a share between 0 and 1, like 0.01",
    "calibrate run --max-loss 0.1 --confidence 95": "--confidence 95: take a share between 0 and 1, like 0.95",
    "calibrate run --max-loss 0.1 --policy entropie": "unknown policy 'entropie': did you mean 'entropy'",
    "calibrate run --max-loss 0.1 --readout cumulativ": "unknown readout 'cumulativ': did you mean 'cumulative'",
    "calibrate run": "Missing option '--max-loss'",
    "calibrate none.zarr --max-loss 0.1 --data digits": "none.zarr",
    "predict run fine.jpg --policy entropy": "--policy entropy needs --threshold: see `rcnnzoo calibrate`",
    "predict run fine.jpg --threshold 3": "--threshold 3 is outside entropy's bounds: take 0 to 2.30258509 nats",
    "predict run fine.jpg --policy entropie --threshold 1": "unknown policy 'entropie'",
    "profile run --against run --bootstrap 200": "--against needs --sweep",
    "profile run --bootstrap 200": "--bootstrap needs --sweep",
    "profile run --precision bf16": "--precision needs --measure",
    "profile run --images 9": "--images needs --measure",
    "compare nope run": "unknown architecture 'nope'",
    "profile run --out there": "--out needs --sweep or --measure",
    "profile run --data digits": "--data needs --sweep or --threshold or --budget or --accuracy or --measure",
    "profile run --measure --precision bf15": "unknown precision 'bf15': did you mean 'bf16'",
    "profile run --measure --images 0": "Invalid value for '--images'",
    "profile bl --measure": "it isn't said which images: give --data",
    "profile run --sweep --bootstrap 5": "Invalid value for '--bootstrap'",
    "profile run --budget 20Q": "'20Q' is no number of MACs above 0: write it like 20G or 2e10",
    "profile run --budget -1G": "'-1G' is no number of MACs above 0",
    "profile run --budget infG": "'infG' is no number of MACs above 0",
    "profile run --budget 1G --accuracy 0.5": "--budget and --accuracy exclude each other: give one of them",
    "profile run --accuracy 60": "Invalid value for '--accuracy'",
    "compare run": "a comparison needs two networks: name another MODEL or TRACE",
    "compare run b --policy entropie": "unknown policy 'entropie'",
    "compare none.zarr run": "none.zarr: no such trace; write one with `rcnnzoo trace`",
    "profile": "runs: holds no finished run; train one, or name",
    "info nets": "unknown architecture 'nets'",
    "info bl --steps 0": "--steps 0 is too few",
    "list archtectures": "unknown kind 'archtectures': did you mean 'architectures'",
    "trian bl": "No such command 'trian'",
}


@pytest.mark.parametrize("typed", BAD)
def test_bad_input_gets_one_line_and_leaves_nothing_behind(typed, run, tmp_path, capsys):
    spoiled(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert main(typed.split()) == 2
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert BAD[typed] in lines[0]
    assert captured.out == ""
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_large_images_found_unreadable_while_training_leave_a_run_to_go_on_with(tmp_path, capsys):
    """They are met one by one; allowing more of them and --resume must be enough."""
    make_classes(tmp_path / "pets")
    for file in sorted((tmp_path / "pets").rglob("*.jpg"))[:3]:
        file.write_text("no picture")
    typed = ["train", "b", "--data", "./pets", "--val-fraction", "0.5", "--batch-size", "2", "--workers", "0", *TINY]
    assert main([*typed, "--max-bad", "1"]) == 2
    assert "allow more with --max-bad" in capsys.readouterr().err
    assert not (tmp_path / "runs/b-pets-seed0/model.safetensors").exists()
    assert main([*typed, "--max-bad", "3", "--resume"]) == 0


def test_a_loss_that_is_not_a_number(tmp_path, capsys, monkeypatch):
    losses = loop.losses_by_step
    monkeypatch.setattr(loop, "losses_by_step", lambda *arguments: losses(*arguments) * float("nan"))
    assert main(["train", "b", "--data", "digits", *TINY]) == 2
    assert "the loss is nan at batch 1 of epoch 1" in capsys.readouterr().err
    assert not (tmp_path / "runs/b-digits-seed0/model.safetensors").exists()


def test_a_threshold_that_no_score_can_reach_is_refused(run, capsys):
    assert main(["profile", str(run), "--threshold", "3"]) == 2
    assert (
        "--threshold 3 is outside entropy's bounds: take 0 to 2.30258509 nats, inf or -inf" in capsys.readouterr().err
    )


def test_networks_that_saw_different_images_are_not_set_beside_each_other(run, capsys):
    for split in ("train", "test"):
        assert main(["trace", str(run), "--split", split, "--out", f"{split}.zarr"]) == 0
    assert main(["profile", "test.zarr", "--sweep", "--against", "train.zarr"]) == 2
    different = "test.zarr (digits test) and train.zarr (digits train) saw different images: trace both with the same"
    assert different in capsys.readouterr().err
    assert main(["compare", "test.zarr", "train.zarr"]) == 2
    assert different in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("profile x.zarr --budget 1", "--budget 1: no threshold meets it, the first step alone takes"),
        ("profile x.zarr --accuracy 1", "--accuracy 1: no threshold meets it, the best reaches"),
        ("compare x.zarr x.zarr", "x.zarr is named twice: name each network once"),
        ("compare x.zarr x.zarr --cost 1T", "x.zarr is named twice"),
        ("profile x.zarr --sweep --data digits", "x.zarr is a trace, its images are settled"),
    ],
)
def test_what_a_trace_cannot_answer_gets_one_line(typed, message, run, capsys):
    printed(capsys, "trace", run, "--out", "x.zarr")
    refused(capsys, typed, message)


def refused(capsys, typed, message):
    assert main(typed.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert message in line


@pytest.mark.parametrize("command", ["profile x.zarr --sweep", "compare x.zarr run", "profile x.zarr --budget 1G"])
def test_a_trace_cut_in_the_middle_is_damaged(command, run, tmp_path, capsys):
    printed(capsys, "trace", run, "--out", "x.zarr")
    block = tmp_path / "x.zarr" / "logits" / "c" / "0" / "0" / "0"
    block.write_bytes(block.read_bytes()[: block.stat().st_size // 2])
    refused(capsys, command, "x.zarr: logits is damaged")
    block.unlink()
    refused(capsys, command, "x.zarr: blocks of logits are missing")


def test_a_trace_is_stale_when_its_run_was_trained_again(run, capsys):
    trace = printed(capsys, "trace", run).strip()
    network = rcnnzoo.load(run / "model.safetensors")
    torch.nn.init.normal_(next(network.parameters()))
    rcnnzoo.save(network, run / "model.safetensors")
    refused(capsys, f"profile {trace} --sweep", "was recorded from other weights than")
    before = rcnnzoo.open_trace(trace)["logits"].values
    anew = document(capsys, "evaluate", run)["trace"]
    assert anew != trace
    assert (rcnnzoo.open_trace(anew)["logits"].values != before).any()


BROKEN_POLICY = """
    from rcnnzoo.hookspecs import Policy, hookimpl

    @hookimpl
    def rcnnzoo_policies():
        return [Policy(name, "broken", f"{module}:{name.title()}") for name in ("nan", "short", "list")]

    class Nan:
        direction, unit = "below", "-"

        def scores(self, probabilities):
            return probabilities[..., 0] * float("nan")

        def bounds(self, categories, steps):
            return 0.0, 1.0

    class Short(Nan):
        def scores(self, probabilities):
            return probabilities[..., 0, 0]

    class List(Nan):
        def scores(self, probabilities):
            return probabilities[..., 0].tolist()
"""


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("nan", "policy 'nan' of lab-rules gave a score that is not a number (NaN)"),
        ("short", "policy 'short' of lab-rules gave scores of shape [450] for probabilities of shape [450, 2, 10]"),
        ("list", "policy 'list' of lab-rules gave a list for scores: a tensor is needed"),
    ],
)
def test_a_plugins_policy_that_gives_no_scores_is_named(policy, message, run, install, capsys):
    install("lab-rules", BROKEN_POLICY.replace("{module}:{name.title()}", "lab_rules:{name.title()}"))
    for command in ("profile run --sweep", "profile run --threshold 0.5", "profile run --budget 1G"):
        refused(capsys, f"{command} --policy {policy}", message)


def test_debug_shows_where(capsys):
    assert main(["--debug", "info", "b-l"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_ours_is_called_that(capsys, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("rcnnzoo.profiling.summary.summarise", broken)
    assert main(["info", "b"]) == 1
    assert "a fault of rcnnzoo's, please report it: ZeroDivisionError: oops" in capsys.readouterr().err


def test_a_config_that_is_not_whole_is_no_run(run, capsys):
    (run / "config.toml").write_text('data = "digits"')
    assert main(["evaluate", str(run)]) == 2
    assert "config.toml: doesn't say architecture; it is not the file that" in capsys.readouterr().err


def test_a_config_says_where_the_images_lie(tmp_path, capsys, monkeypatch):
    """However they were found: from another folder, without the variable, the run is the same."""
    make_imagenet(tmp_path / "data" / "imagenet")
    monkeypatch.setenv("RCNNZOO_DATA", "data")
    assert main(["train", "b", "--data", "imagenet", *TINY, "--out", "run"]) == 0
    monkeypatch.delenv("RCNNZOO_DATA")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    capsys.readouterr()
    assert document(capsys, "evaluate", tmp_path / "run")["images"] == 9


def test_without_standard_output_nothing_is_wrong():
    process = subprocess.run(["bash", "-c", f"{sys.executable} -m rcnnzoo list >&-"], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")


def test_every_command_has_help_with_an_example(capsys):
    for name in plugins.names("commands"):
        assert f"Example: rcnnzoo {name}" in " ".join(printed(capsys, name, "--help").split())


def test_a_reader_that_leaves_is_no_fault():
    command = f"{sys.executable} -m rcnnzoo list | head -1"
    process = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert process.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's /dev/full")
def test_a_full_disk_is_said_to_be_full():
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "rcnnzoo", "list"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert process.returncode == 2
    assert process.stderr.startswith("error: disk full")
