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
    assert {f.name for f in folder.iterdir()} >= {"sat.csv", "against.csv", "sat.png", "sat.svg"}
    table = pd.read_csv(folder / "sat.csv")
    assert list(table) == ["threshold", "accuracy", "mean_steps", "mean_macs"]
    assert len(table) == len(found["accuracy"])
    at = document(capsys, "profile", "runs/mine", "--threshold", table["threshold"][7])
    assert at["accuracy"] == table["accuracy"][7]
    assert at["mean_macs"] == table["mean_macs"][7]
    assert "distinct outcomes" in printed(capsys, "profile", "--sweep", "--policy", "max-prob")


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
    "predict run fine.jpg --threshold 3": "--threshold 3 is outside entropy's bounds: take 0 to 2.30259 nats",
    "predict run fine.jpg --policy entropie --threshold 1": "unknown policy 'entropie'",
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
    assert "--threshold 3 is outside entropy's bounds: take 0 to 2.30259 nats, inf or -inf" in capsys.readouterr().err


def test_networks_that_saw_different_images_are_not_set_beside_each_other(run, capsys):
    for split in ("train", "test"):
        assert main(["trace", str(run), "--split", split, "--out", f"{split}.zarr"]) == 0
    assert main(["profile", "test.zarr", "--sweep", "--against", "train.zarr"]) == 2
    assert "run (digits test) and run (digits train) saw different images" in capsys.readouterr().err


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
