"""Packing from the command line, and what takes a packed folder."""

from rcnnzoo.cli import main
from tests.cli.calling import document, printed, refused


def test_a_packed_data_set_is_taken_as_any_other(capsys, tmp_path):
    packed = tmp_path / "packed"
    found = document(capsys, "pack", "digits", "--out", packed, "--quality", 95, "--workers", 0)
    assert found["splits"]["train"]["images"] == 1347
    assert not found["mirrored"]
    assert "2 shards with 1,797 images are as they were packed" in printed(capsys, "pack", packed, "--verify")
    small = ["--image-size", "8", "--width", "0.0625", "--steps", "2", "--epochs", "1"]
    assert main(["train", "bl", "--data", str(packed), "--out", str(tmp_path / "run"), *small]) == 0
    capsys.readouterr()
    assert document(capsys, "evaluate", tmp_path / "run")["images"] == 450
    assert main(["verify", str(tmp_path / "run")]) == 0


def test_what_cannot_be_packed_is_said_in_one_line(capsys, tmp_path):
    refused(capsys, "pack digits", "--out is missing: give the folder of the shards")
    refused(capsys, "pack digits --out x --verify", "--out can't be combined with --verify")
    refused(capsys, f"pack {tmp_path} --verify", "index.json: can't be read (No such file or directory)")
    refused(capsys, "pack nothing --out x", "unknown data set 'nothing'")
