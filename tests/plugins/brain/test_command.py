"""`rcnnzoo rsa`, from activations and a file of dissimilarities to tables and figures."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import squareform

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.plugin import dissimilarities
from tests.data.lookalikes import save_image
from tests.plugins.brain.simulated import brain

IMAGES = 16
LAYER, STEP = "layer4", 2


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Activations of two networks, and subjects whose dissimilarities are those of one layer and step, with noise."""
    place = tmp_path_factory.mktemp("brain")
    for number in range(IMAGES):
        save_image(place / "images" / f"{number:02}.jpg", seed=number)
    for seed in (0, 1):
        net = rcnnzoo.build("bl", categories=10, image_size=32, width=1 / 16, steps=3, seed=seed)
        rcnnzoo.save(net, place / f"bl{seed}.safetensors")
        shown = ["--images", str(place / "images"), "--layers", "layer*", "--out", str(place / f"{seed}.zarr")]
        assert main(["extract", str(place / f"bl{seed}.safetensors"), *shown]) == 0
    of = dissimilarities([rcnnzoo.open_activations(place / "0.zarr")]).sel(layer=LAYER, step=STEP).to_numpy()
    people = brain(0, subjects=6, of=of, noise=0.4)[:, 0]
    np.savez(place / "it.npz", rdm=np.array([squareform(each) for each in people]))
    in_time = np.stack([brain(1, subjects=6)[:, 0, : len(of)], people], axis=1)
    np.savez(place / "time.npz", rdm=np.apply_along_axis(squareform, -1, in_time), time=[50, 100])
    np.savez(place / "one.npz", rdm=squareform(people[0])[None])
    rows = [f"{number:02}.jpg,{number % 2}" for number in range(IMAGES)]
    (place / "kinds.csv").write_text("\n".join(["image,animate", *rows]) + "\n")
    return place


@pytest.fixture
def ask(place, capsys, tmp_path):
    def run(*typed, brain="it.npz"):
        named = [str(place / name) if name.endswith(".zarr") else name for name in typed]
        assert main(["rsa", *named, "--brain", str(place / brain), "--out", str(tmp_path / "out"), "--json"]) == 0
        return json.loads(capsys.readouterr().out), tmp_path / "out"

    return run


def test_the_layer_and_step_that_the_brain_is_made_of_are_found(ask, place):
    kinds = ["--categories", str(place / "kinds.csv"), "--images", str(place / "images"), "--bootstraps", "10"]
    found, out = ask("0.zarr", "1.zarr", *kinds)
    best = found["networks"]["bl0"]
    assert (best["layer"], best["step"]) == (LAYER, STEP)
    assert best["p_corrected"] == pytest.approx(1 / 64)
    assert set(found["models"]) == {"animate", "pixels", "orientation"}
    (pair,) = (row for row in found["pairs"] if (row["a"], row["b"]) == ("bl0", "animate"))
    assert pair["difference"] > 0
    assert pair["p"] == pytest.approx(2 / 64)
    (ceiling,) = found["ceiling"]
    assert 0 < ceiling["low"] < ceiling["high"] < 1
    table = pd.read_csv(out / "correlations.csv")
    by_subject = pd.read_csv(out / "subjects.csv").query("network == 'bl0' and layer == @LAYER and step == @STEP")
    row = table.query("network == 'bl0' and layer == @LAYER and step == @STEP").iloc[0]
    assert row["correlation"] == pytest.approx(by_subject["correlation"].mean())
    assert len(table) == 2 * 7 * 3
    written = {file.name for file in out.iterdir()}
    assert {"states.png", "states.svg", "bars.png", "steps.csv", "pairs.csv", "intervals.csv", "methods.txt"} <= written
    assert "Subjects were the random factor" in (out / "methods.txt").read_text()


def test_times_of_the_brain_are_resolved(ask):
    found, out = ask("0.zarr", "--bootstraps", "0", brain="time.npz")
    assert found["networks"]["bl0"]["time"] == 100
    assert len(pd.read_csv(out / "correlations.csv")) == 7 * 3 * 2
    assert (out / "times-1.png").is_file()


def test_members_of_a_network_are_averaged(ask, place):
    alone = [ask(f"{seed}.zarr", "--bootstraps", "0")[0] for seed in (0, 1)]
    assert len(alone) == 2
    singles = []
    for seed in (0, 1):
        _, out = ask(f"{seed}.zarr", "--bootstraps", "0")
        singles.append(pd.read_csv(out / "correlations.csv")["correlation"])
    found, out = ask(f"{place / '0.zarr'},{place / '1.zarr'}", "--bootstraps", "0")
    assert list(found["networks"]) == ["bl1 and 1 more"]
    both = pd.read_csv(out / "correlations.csv")["correlation"]
    assert both.to_numpy() == pytest.approx(np.mean(singles, axis=0))


def test_one_subject_is_described_and_not_tested(ask):
    found, out = ask("0.zarr", brain="one.npz")
    assert found["networks"]["bl0"]["p"] is None
    assert found["ceiling"] == [{"time": None, "low": None, "high": None}]
    assert not (out / "intervals.csv").exists()


def test_models_are_taken_out(ask, place):
    found, out = ask("0.zarr", "--categories", str(place / "kinds.csv"), "--partial", "--bootstraps", "0")
    assert found["partial"] == ["animate"]
    assert "taken out of both" in (out / "methods.txt").read_text()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--partial"], "--partial needs --categories or --images"),
        (["--method", "rank"], "unknown method 'rank'"),
        (["--metric", "rank"], "unknown metric 'rank'"),
        (["--categories", "nowhere.csv"], "nowhere.csv: can't be read"),
    ],
)
def test_options_that_can_not_work(typed, words, place, capsys, tmp_path):
    command = ["rsa", str(place / "0.zarr"), "--brain", str(place / "it.npz"), "--out", str(tmp_path / "out"), *typed]
    assert main(command) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_activations_of_other_images_are_refused(place, capsys, tmp_path):
    np.savez(tmp_path / "a.npz", rdm=squareform(np.random.default_rng(0).random(15))[None])
    command = ["rsa", str(place / "0.zarr"), "--brain", str(tmp_path / "a.npz"), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    assert "is of 16 images, and" in capsys.readouterr().err
    assert main(["rsa", "nowhere.zarr", "--brain", str(place / "it.npz"), "--out", str(Path(tmp_path, "out"))]) == 2
    assert "nowhere.zarr: no such activations" in capsys.readouterr().err
