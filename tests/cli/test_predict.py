"""`rcnnzoo predict`."""

import pandas as pd
import pytest
import torch
from PIL import Image

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.errors import DataError
from tests.cli.calling import document, refused
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


def test_predict_takes_folders_of_images(run, capsys, tmp_path):
    for name in ("b.jpg", "a.jpg", "deeper/c.jpg"):
        save_image(tmp_path / "photos" / name, 1)
    rows = document(capsys, "predict", run, "photos", "photos/a.jpg")
    assert [row["image"] for row in rows] == [f"photos/{n}" for n in ("a.jpg", "b.jpg", "deeper/c.jpg", "a.jpg")]
    (tmp_path / "empty").mkdir()
    refused(capsys, f"predict {run} empty", "empty: holds no images")


def test_images_are_read_as_predict_reads_them(run, tmp_path, capsys):
    save_image(tmp_path / "a.jpg", 3)
    save_image(tmp_path / "b.png", 4, mode="L", form="PNG", size=(50, 120))
    network = rcnnzoo.load(run)
    images = rcnnzoo.read_images(["a.jpg", tmp_path / "b.png"], network)
    assert images.shape == (2, 3, 8, 8)
    with torch.no_grad():
        probabilities = rcnnzoo.readout("cumulative")(network(images))[:, -1]
    for row, expected in zip(document(capsys, "predict", run, "a.jpg", "b.png"), probabilities, strict=True):
        assert row["confidence"] == pytest.approx(expected.max().item(), abs=1e-5)
    with pytest.raises(DataError, match=r"c\.jpg: can't be read as an image"):
        rcnnzoo.read_images(["c.jpg"], network)
    assert rcnnzoo.read_images([], network).shape == (0, 3, 8, 8)


@pytest.mark.filterwarnings("always::rcnnzoo.errors.RcnnzooWarning")
def test_answers_of_random_weights_are_called_that(capsys, tmp_path):
    save_image(tmp_path / "grey.png", 3, mode="L", form="PNG")
    assert main(["predict", "b", "grey.png"]) == 0
    assert "warning: b is untrained: its answers come from random weights" in capsys.readouterr().err
