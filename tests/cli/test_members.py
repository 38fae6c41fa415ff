"""A folder of several seeds wherever MODEL is taken."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from rcnnzoo.cli import main
from tests.cli.calling import TINY, document, printed, refused


@pytest.fixture(scope="module")
def trained_members(tmp_path_factory):
    """Two seeds each of bl and b that no test changes."""
    folder = tmp_path_factory.mktemp("members")
    command = ["--data", "digits", *TINY, "--seeds", "0-1"]
    assert main(["train", "bl", *command, "--steps", "2", "--out", str(folder / "bl")]) == 0
    assert main(["train", "b", *command, "--out", str(folder / "b")]) == 0
    return folder


@pytest.fixture
def members(trained_members, tmp_path):
    """A copy to change, in the test's folder."""
    for name in ("bl", "b"):
        shutil.copytree(trained_members / name, tmp_path / name)


def test_evaluate_gives_mean_and_interval_over_seeds(members, capsys):
    each = [document(capsys, "evaluate", f"bl/seed{seed}")["accuracy"] for seed in (0, 1)]
    found = document(capsys, "evaluate", "bl")
    assert found["accuracy"] == pytest.approx(np.mean(each, axis=0))
    assert [found["members"][str(seed)]["accuracy"] for seed in (0, 1)] == each
    assert (found["name"], found["seeds"], found["images"]) == ("bl", [0, 1], 450)
    half = 12.706 * abs(each[0][1] - each[1][1]) / 2
    assert found["accuracy_interval"][1] == pytest.approx(
        [found["accuracy"][1] - half, found["accuracy"][1] + half], 1e-3
    )
    out = Path(found["out"])
    assert {file.name for file in out.iterdir() if not file.name.startswith(".")} == {
        "accuracy.csv",
        "accuracy.png",
        "accuracy.svg",
        "seeds.csv",
    }
    assert pd.read_csv(out / "seeds.csv")["seed"].tolist() == [0, 0, 1, 1]
    assert "95 % over seeds" in printed(capsys, "evaluate", "bl")


def test_profile_gives_the_mean_curve_and_what_a_threshold_does(members, capsys):
    assert document(capsys, "profile", "bl")["macs"] == document(capsys, "profile", "bl/seed1")["macs"]
    each = [document(capsys, "profile", f"bl/seed{seed}", "--sweep") for seed in (0, 1)]
    found = document(capsys, "profile", "bl", "--sweep", "--against", "b")
    ends = [np.mean([one["accuracy"][end] for one in each]) for end in (0, -1)]
    assert [found["accuracy"][0], found["accuracy"][-1]] == pytest.approx(ends)
    assert [one["name"] for one in found["against"]] == ["b"]
    assert Path(found["out"], "sat.png").stat().st_size > 10_000
    each = [document(capsys, "profile", f"bl/seed{seed}", "--threshold", 2) for seed in (0, 1)]
    found = document(capsys, "profile", "bl", "--threshold", 2)
    for column in ("accuracy", "mean_steps", "mean_macs"):
        assert found[column] == pytest.approx(np.mean([one[column] for one in each]))
    budget = document(capsys, "profile", "bl", "--budget", each[0]["mean_macs"] * 2)
    assert set(budget["members"]) == {"0", "1"}
    assert "thresholds were not chosen on" in printed(capsys, "profile", "bl", "--budget", each[0]["mean_macs"] * 2)


def test_compare_takes_the_network_as_the_unit(members, capsys):
    found = document(capsys, "compare", "bl", "b")
    accuracies = {name: document(capsys, "evaluate", name)["accuracy"][-1] for name in ("bl", "b")}
    assert {model["name"]: model["accuracy"] for model in found["models"]} == pytest.approx(accuracies)
    (pair,) = found["pairs"]
    assert pair["difference"] == pytest.approx(accuracies["bl"] - accuracies["b"])
    for row in found["within"]:
        networks = [f"{name}/seed{row['seed']}" for name in ("bl", "b")]
        (alone,) = document(capsys, "compare", *networks, "--bootstrap", 100)["pairs"]
        assert (row["only_a"], row["p"]) == (alone["only_a"], alone["p"])
    shown = printed(capsys, "compare", "bl", "b")
    assert "with 2 seeds in common, Wilcoxon's p can't be below 0.5" in shown
    assert "p, Wilcoxon" in shown
    written = {"models.csv", "pairs.csv", "within-seeds.csv", "compare.png"}
    assert written <= {file.name for file in Path("compare/bl+b").iterdir()}


def test_other_commands_go_through_the_members(members, capsys):
    verified = document(capsys, "verify", "bl")
    assert [Path(one["file"]).parent.name for one in verified["members"].values()] == ["seed0", "seed1"]
    found = document(capsys, "calibrate", "bl", "--max-loss", 0.5, "--out", "thresholds")
    assert set(found["members"]) == {"0", "1"}
    assert Path("thresholds/seed1/thresholds.csv").is_file()
    assert document(capsys, "info", "bl")["parameters"] == document(capsys, "info", "bl/seed0")["parameters"]
    traced = document(capsys, "trace", "bl", "--out", "traces")
    assert [one["trace"] for one in traced["members"].values()] == ["traces/seed0", "traces/seed1"]
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)).save("image.png")
    predicted = document(capsys, "predict", "bl", "image.png")["members"]
    assert predicted["1"] == document(capsys, "predict", "bl/seed1", "image.png")


def test_a_damaged_member_fails_verification(members, capsys):
    file = Path("bl/seed1/model.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert main(["verify", "bl"]) == 2
    assert "seed1/model.safetensors: failed the check of hash" in capsys.readouterr().err


def test_members_must_be_finished_alike_and_apart_from_single_networks(members, capsys):
    refused(capsys, "compare bl b/seed0", "b/seed0 is a single network, and others are folders of several")
    refused(capsys, "compare bl b --bootstrap 100", "--bootstrap resamples images")
    refused(capsys, "compare bl ./bl", "is named twice")
    refused(capsys, "profile bl --measure", "--measure is of single networks, and bl holds several seeds")
    refused(capsys, "evaluate bl --seed 3", "--seed 3: bl is trained")
    refused(capsys, f"verify bl --sha256 {'0' * 64}", "--sha256 is of one file")
    settings = Path("bl/seed1/config.toml")
    before = settings.read_text()
    settings.write_text(before.replace("batch_size = ", "batch_size = 1"))
    refused(capsys, "evaluate bl", "bl/seed1: has batch_size 1")
    settings.write_text(before)
    Path("bl/seed1/model.safetensors").unlink()
    refused(capsys, "evaluate bl", "bl/seed1: is not finished")


def test_traces_of_members_are_named_after_their_folder(members, capsys):
    printed(capsys, "evaluate", "bl")
    (attributes,) = Path("bl/seed1/traces").glob("*.zarr/zarr.json")
    assert json.loads(attributes.read_text())["attributes"]["name"] == "bl-seed1"


def test_they_are_listed_and_the_newest_folder_is_profiled(trained_members, tmp_path, capsys):
    shutil.copytree(trained_members, tmp_path / "runs")
    runs = document(capsys, "list", "runs")
    assert [Path(run["name"]).relative_to("runs") for run in runs] == [
        Path(name, f"seed{seed}") for name in ("b", "bl") for seed in (0, 1)
    ]
    assert "bl/seed1" in printed(capsys, "list", "runs")
    Path("runs/bl/seed0/model.safetensors").touch()
    assert main(["profile"]) == 0
    assert "profiling runs/bl" in capsys.readouterr().err.splitlines()
