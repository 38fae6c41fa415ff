"""`rcnnzoo info`."""

from tests.cli.calling import document, printed


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
