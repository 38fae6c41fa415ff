"""`rcnnzoo extract` and `rcnnzoo rdm`."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

import rcnnzoo
from rcnnzoo.cli import main
from tests.cli.calling import document, printed, refused
from tests.data.lookalikes import save_image


@pytest.fixture
def photographs(tmp_path):
    for number in range(6):
        save_image(tmp_path / "photographs" / f"{number}.jpg", seed=number)
    return "photographs"


def test_what_layers_hold_and_how_dissimilar_images_are(trained, photographs, capsys):
    found = document(capsys, "extract", trained, "--images", photographs, "--layers", "layer*", "--out", "x.zarr")
    assert found["images"] == 6
    assert found["layers"]["layer7"] == {"image": 6, "step": 2, "unit": 512}
    tree = rcnnzoo.open_activations("x.zarr")
    assert [tree.children[layer].sizes["unit"] for layer in ("layer1", "layer7")] == [6 * 8 * 8, 128 * 2 * 2]
    rdms = document(capsys, "rdm", "x.zarr")
    assert rdms["layers"] == [f"layer{number}" for number in range(1, 8)]
    with xr.open_dataset(Path(rdms["out"], "rdm.nc")) as kept:
        stored = kept["dissimilarity"].load()
    values = tree["layer3"]["activations"].sel(step=2).to_numpy().astype(float)
    np.testing.assert_allclose(stored.sel(layer="layer3", step=2), pdist(values, "correlation"), rtol=1e-6)
    table = pd.read_csv(Path(rdms["out"], "similarity.csv"))
    row = table.query("layer_a == 'layer1' and step_a == 1 and layer_b == 'layer3' and step_b == 2").iloc[0]
    expected = spearmanr(stored.sel(layer="layer1", step=1), stored.sel(layer="layer3", step=2)).statistic
    assert row["spearman"] == pytest.approx(expected)
    written = {f"{name}.{suffix}" for name in ("rdm", "similarity") for suffix in ("png", "svg")}
    assert written | {"rdm.nc", "similarity.csv", "mds.csv"} <= {file.name for file in Path(rdms["out"]).iterdir()}


def test_repeated_measurements_with_noise_give_crossnobis(trained, photographs, capsys):
    for seed in (0, 1):
        shown = ["--stimulus", "noise:1,image:1", "--seed", seed, "--layers", "layer1", "--out", f"{seed}.zarr"]
        printed(capsys, "extract", trained, "--images", photographs, *shown)
    found = document(capsys, "rdm", "0.zarr", "1.zarr", "--metric", "crossnobis", "--out", "rdms")
    assert Path("rdms/rdm-crossnobis.nc").is_file()
    assert found["metric"] == "crossnobis"


def test_of_several_seeds_each_has_activations_of_its_own(trained, photographs, capsys):
    for seed in (0, 1):
        shutil.copytree(trained, Path("bl", f"seed{seed}"))
    found = document(capsys, "extract", "bl", "--images", photographs, "--layers", "layer7", "--out", "both")
    assert [one["activations"] for one in found["members"].values()] == ["both/seed0", "both/seed1"]


def test_layers_are_listed(trained, capsys):
    layers = {row["name"]: row for row in document(capsys, "info", trained, "--modules")["layers"]}
    assert layers["layer2"] == {"name": "layer2", "kind": "area", "shape": [8, 4, 4], "steps": [1, 2]}
    assert layers["layers.2.lateral.0"]["steps"] == [2]
    assert "areas and modules that --layers can read" in printed(capsys, "info", trained, "--modules")


def test_one_bad_line_each(trained, photographs, capsys):
    refused(capsys, f"extract {trained} --images {photographs} --layers nix --out x", "unknown layer 'nix'")
    refused(capsys, f"extract {trained} --images nowhere --layers layer1 --out x", "nowhere")
    refused(capsys, f"extract {trained} --layers layer1 --out x --seed 3", "--seed 3:")
    refused(capsys, "rdm nowhere.zarr", "nowhere.zarr: no such activations; write them with `rcnnzoo extract`")
    assert main(["trace", str(trained), "--out", "trace.zarr"]) == 0
    capsys.readouterr()
    refused(capsys, "rdm trace.zarr", "trace.zarr: is a trace of logits; name what `rcnnzoo extract` wrote")
    printed(capsys, "extract", trained, "--images", photographs, "--layers", "layer1", "--out", "x.zarr")
    refused(capsys, "rdm x.zarr --metric rank", "unknown metric 'rank'")
    refused(capsys, "rdm x.zarr --metric crossnobis", "--metric crossnobis needs repeated measurements")
    refused(capsys, "rdm x.zarr x.zarr --metric crossnobis", "is named twice")
    refused(capsys, "evaluate x.zarr", "x.zarr")


def test_activations_are_exported_for_other_tools(trained, photographs, capsys):
    printed(capsys, "extract", trained, "--images", photographs, "--layers", "layer7", "--out", "x.zarr")
    found = document(capsys, "export", "x.zarr", "--format", "thingsvision", "--out", "features")
    files = [f"features/layer7/step{step}/features.npy" for step in (1, 2)]
    assert found["files"] == {"layer7": files}
    values = rcnnzoo.open_activations("x.zarr")["layer7"]["activations"]
    np.testing.assert_array_equal(np.load(files[1]), values.sel(step=2))
    assert "step1/features.npy and 1 more" in printed(
        capsys, "export", "x.zarr", "--format", "thingsvision", "--out", "again"
    )
    refused(capsys, "export x.zarr --format thingsvision --out again", "again: is there already: name a new folder")
    refused(capsys, "export y.zarr --format neuroid --out there", "y.zarr: no such activations")
