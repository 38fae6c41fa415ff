"""`rcnnzoo predict`."""

import pandas as pd
import pytest
import torch
from PIL import Image

import rcnnzoo
from tests.cli.calling import document
from tests.data.lookalikes import save_image

pytestmark = pytest.mark.filterwarnings("always::rcnnzoo.data.unreadable.DataWarning")


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
    assert (tmp_path / "predictions" / "run" / "predictions-max-prob.svg").is_file()
    first = full["top"][full["category"]][0]
    assert [len(course) for course in full["top"].values()] == [2] * 5
    if full["category"] in once["top"]:
        assert once["top"][full["category"]] == [pytest.approx(first)]
    (never,) = document(capsys, "predict", run, "grey.png", "--threshold", "-inf")  # of entropy
    assert never == full
