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


def test_modules_are_listed_as_lesions_name_them(capsys):
    modules = document(capsys, "info", "bl", "--image-size", 32, "--width", 0.125, "--categories", 10, "--modules")
    by_name = {row.pop("name"): row for row in modules["modules"]}
    assert list(by_name)[:3] == ["layers.0.bottom_up.0", "layers.0.lateral.0", "layers.0.norm"]
    # Twelve maps of 32x32, lateral 7x7 at the seven steps after the first.
    lateral = {"kind": "Conv2d", "shape": [12, 32, 32], "macs": 7 * 12 * 12 * 7 * 7 * 32 * 32}
    assert by_name["layers.0.lateral.0"] == lateral
    assert by_name["classifier.0"]["macs"] == 8 * (256 + 1) * 10  # ptflops counts the addition of biases
    table = printed(capsys, "info", "bl", "--image-size", 32, "--width", 0.125, "--modules")
    assert "12x32x32" in table
    assert "never called" not in table


def test_modules_that_are_listed_can_be_cut(capsys):
    modules = document(capsys, "info", "b", "--image-size", 32, "--width", 0.0625, "--modules")["modules"]
    for row in modules:
        lesioned = ["profile", "b", "--lesion", row["name"]]
        assert document(capsys, *lesioned)["macs"] <= document(capsys, "profile", "b")["macs"]
