"""What a training will take, on the command line."""

import pytest

import rcnnzoo
from tests.cli.calling import document, printed, refused

SMALL = ["--data", "digits", "--image-size", "8", "--width", "0.0625", "--steps", "2", "--batch-size", "16"]


def test_a_plan_of_digits(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = document(capsys, "plan", "bl", *SMALL, "--epochs", 4)
    network = rcnnzoo.build("bl", categories=10, image_size=8, width=1 / 16, steps=2)
    assert found["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert found["disk"]["trace"] == 450 * 2 * 10 * 4  # test images, steps, categories, bytes
    assert [row["images"] for row in found["memory"]] == [2, 4, 8, 16, 32, 64]
    assert found["days"] == pytest.approx(4 * found["seconds_per_epoch"] / 86_400)
    speeds = found["images_per_second"]
    assert found["limit"] == ("the network" if speeds["network"] <= speeds["data_path"] else "the data path")
    assert found["seconds_per_epoch"] >= 84 * 16 / min(speeds.values()) * 0.999
    assert not list(tmp_path.iterdir())
    shown = printed(capsys, "plan", "bl", *SMALL)
    assert "memory of training (GiB) by batch size" in shown
    assert "estimated" in shown


def test_what_cannot_be_planned_is_said_in_one_line(capsys):
    refused(capsys, "plan bl", "data is missing: give --data")
    refused(capsys, "plan blx --data digits", "unknown architecture 'blx'")
