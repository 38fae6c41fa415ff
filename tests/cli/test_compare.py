"""`rcnnzoo compare`."""

import pandas as pd

from rcnnzoo.cli import main
from tests.cli.calling import document, printed


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


def test_networks_that_saw_different_images_are_not_set_beside_each_other(run, capsys):
    for split in ("train", "test"):
        assert main(["trace", str(run), "--split", split, "--out", f"{split}.zarr"]) == 0
    assert main(["profile", "test.zarr", "--sweep", "--against", "train.zarr"]) == 2
    different = "test.zarr (digits test) and train.zarr (digits train) differ in their images: trace both with the same"
    assert different in capsys.readouterr().err
    assert main(["compare", "test.zarr", "train.zarr"]) == 2
    assert different in capsys.readouterr().err
