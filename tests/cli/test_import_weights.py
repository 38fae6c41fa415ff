"""`rcnnzoo import`, and the other commands on what it wrote."""

import hashlib
import json

import h5py
import numpy as np
import pytest

import rcnnzoo
from rcnnzoo.cli import main
from tests.data.lookalikes import make_classes
from tests.weights.published import answers, replace, unpack

NAMES = ("ant", "bee", "cat", "dog", "eel")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Each test in its own folder, with the weights of bl."""
    monkeypatch.chdir(tmp_path)
    unpack("bl", tmp_path)
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n")


def test_the_file_says_where_it_comes_from(tmp_path, capsys):
    typed = ["import", "rcnn-sat", "bl.h5", "--arch", "bl", "--out", "new/bl.safetensors", "--names", "names.txt"]
    assert main([*typed, "--json", "--categories", "5"]) == 0
    document = json.loads(capsys.readouterr().out)
    digest = hashlib.sha256((tmp_path / "bl.h5").read_bytes()).hexdigest()
    assert document["source"] == {"format": "rcnn-sat", "file": "bl.h5", "sha256": digest}
    network = rcnnzoo.load("new/bl.safetensors")
    assert network.card.source == document["source"]
    assert network.card.categories == list(NAMES)
    assert network.card.options["image_size"] == network.card.preprocessing["image_size"] == 128
    before = (tmp_path / "new" / "bl.safetensors").read_bytes()
    assert main(typed) == 0
    printed = capsys.readouterr().out
    assert digest in printed
    assert "5 (ant ... eel)" in printed
    assert (tmp_path / "new" / "bl.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("number", "first", "last"),
    [(565, "0001_man", "3038_hovercraft"), (1000, "n01440764", "n15075141"), (10, "0", "9")],
)
def test_ecosets_and_imagenets_categories_have_names(number, first, last):
    with h5py.File("bl.h5") as opened:
        features = len(opened["ReadoutDense/ReadoutDense/kernel:0"])
    replace("bl.h5", "ReadoutDense", "kernel", np.zeros((features, number)))
    replace("bl.h5", "ReadoutDense", "bias", np.zeros(number))
    assert main(["import", "rcnn-sat", "bl.h5", "--arch", "bl", "--out", "out.safetensors", "--licence", "CC0"]) == 0
    card = rcnnzoo.load("out.safetensors").card
    assert (len(card.categories), card.categories[0], card.categories[-1]) == (number, first, last)
    assert card.categories == sorted(card.categories)
    assert card.licence == "CC0"


def test_damage_shows_by_the_publishers_hash(tmp_path, capsys):
    """HDF5 as Keras writes it has no checksums: a flipped bit in a weight goes through unless a hash is given."""
    file = tmp_path / "bl.h5"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    typed = ["import", "rcnn-sat", "bl.h5", "--arch", "bl", "--out", "bl.safetensors"]
    assert main([*typed, "--sha256", digest.upper()]) == 0
    assert "damage" not in capsys.readouterr().out
    (tmp_path / "bl.safetensors").unlink()
    content = bytearray(file.read_bytes())
    with h5py.File(file) as opened:
        content[opened["ReadoutDense/ReadoutDense/bias:0"].id.get_offset()] ^= 1
    file.write_bytes(content)
    assert main(typed) == 0
    assert "Not every kind of damage shows by itself: compare the SHA-256 of the source" in capsys.readouterr().out
    (tmp_path / "bl.safetensors").unlink()
    assert main([*typed, "--sha256", digest]) == 2
    assert f"not {digest}: fetch the file again (--sha256)" in capsys.readouterr().err
    assert not (tmp_path / "bl.safetensors").exists()


def test_other_commands_take_the_file(tmp_path, capsys):
    main(["import", "rcnn-sat", "bl.h5", "--arch", "bl", "--out", "bl.safetensors", "--names", "names.txt"])
    make_classes(tmp_path / "photos" / "test", NAMES, each=2)
    image = next(path for path in (tmp_path / "photos").rglob("*") if path.is_file())
    capsys.readouterr()
    assert main(["info", "bl.safetensors", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == answers("bl")["logits"].shape[1]
    assert main(["predict", "bl.safetensors", str(image)]) == 0
    assert main(["trace", "bl.safetensors", "--data", "photos"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "bl.safetensors", "--data", "photos", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 10


GOOD = {"FORMAT": "rcnn-sat", "FILE": "bl.h5", "--arch": "bl", "--out": "out.safetensors"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"FORMAT": "rcnn_sat"}, "unknown format 'rcnn_sat': did you mean 'rcnn-sat'?"),
        ({"--arch": "b_l"}, "unknown architecture among rcnn-sat's 'b_l': did you mean"),
        ({"--arch": "b-u"}, "unknown architecture among rcnn-sat's 'b-u'"),
        ({"--arch": None}, "--arch: rcnn-sat has weights of b, b-k, b-f, b-d, bl: say which"),
        ({"--arch": "b"}, "bl.h5: not the weights of b: "),
        ({"FILE": "none.h5"}, "none.h5: can't be read (No such file"),
        ({"FILE": "names.txt"}, "names.txt: is not an HDF5 file"),
        ({"--categories": "565"}, "--categories 565: bl.h5 has 5"),
        ({"--out": "out.h5"}, "--out out.h5: the file's name must end in .safetensors"),
        ({"--out": "names.txt/out.safetensors"}, "names.txt"),
        ({"--names": "none.txt"}, "--names none.txt: can't be read as text"),
        ({"--names": "bl.h5"}, "--names bl.h5: can't be read as text"),
        ({"--names": "four"}, "--names four: 4 lines for 5 categories"),
        ({"--names": "gap"}, "--names gap: line 3 is empty"),
        ({"--names": "twins"}, "--names twins: 'cat' is listed 2 times"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(tmp_path, capsys, change, message):
    (tmp_path / "four").write_text("ant\nbee\ncat\ndog\n")
    (tmp_path / "gap").write_text("ant\nbee\n\ndog\neel\n")
    (tmp_path / "twins").write_text("ant\ncat\nbee\ncat \neel\n")
    before = sorted(tmp_path.iterdir())
    assert refused(capsys, change).startswith("error: ")
    assert message in refused(capsys, change)
    assert sorted(tmp_path.iterdir()) == before


def refused(capsys, change):
    """The one line of the message."""
    options = GOOD | change
    form, file = options.pop("FORMAT"), options.pop("FILE")
    assert (
        main(["import", form, file, *(word for option, value in options.items() if value for word in (option, value))])
        == 2
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_values_that_are_no_numbers_are_not_written(tmp_path, capsys):
    replace(tmp_path / "bl.h5", "ReadoutDense", "bias", np.full(5, np.nan))
    assert "ReadoutDense's bias holds values that are not finite" in refused(capsys, {})
    assert not (tmp_path / "out.safetensors").exists()
