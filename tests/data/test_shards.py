"""Data sets packed into shards: what is in them, and what becomes of interrupted, damaged and other ones."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from rcnnzoo.data import packing
from rcnnzoo.data.opening import open_data
from rcnnzoo.data.packing import Packing, pack, verify
from rcnnzoo.data.splits import fingerprint
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import BusyError, DataError
from rcnnzoo.locks import LOCK, locked
from tests.data.lookalikes import make_imagenet, save_image

HOW = Packing(side=40, quality=90, workers=0, max_bad=10)


@pytest.fixture
def photographs(tmp_path):
    """18 images of 90 x 70 pixels, grey, CMYK and PNG ones among them."""
    return open_data(str(make_imagenet(tmp_path / "photographs")))


def test_images_are_those_of_the_data_set_resized(photographs, tmp_path):
    pack(photographs, tmp_path / "packed", HOW)
    packed = open_data(str(tmp_path / "packed"))
    assert packed.categories == photographs.categories
    assert packed.mirrored == photographs.mirrored
    for name, split in photographs.splits.items():
        small = packed.split(name)
        assert list(small.files) == list(split.files)
        assert small.labels.tolist() == split.labels.tolist()
        assert fingerprint(small, stamps=False) == fingerprint(split, stamps=False)
        for position in range(len(split)):
            image = small.read(position)
            assert (image.mode, image.size) == ("RGB", (51, 40))  # 90 x 70, the shorter side 40
            wanted = split.read(position).resize((51, 40), Image.Resampling.BICUBIC)
            assert np.abs(np.asarray(image, float) - np.asarray(wanted, float)).mean() < 8


def test_small_images_are_not_enlarged(tmp_path):
    for category in "ab":
        save_image(tmp_path / "small" / category / "1.png", 3, form="PNG", size=(20, 24))
    pack(open_data(str(tmp_path / "small")), tmp_path / "packed", HOW)
    assert open_data(str(tmp_path / "packed")).split("all").read(0).size == (20, 24)


def test_other_programs_find_what_webdataset_promises(photographs, tmp_path):
    """Files of one image share a name up to the first dot, and follow each other."""
    pack(photographs, tmp_path / "packed", HOW)
    with tarfile.open(tmp_path / "packed" / "train-000000.tar") as tar:
        found = tar.getmembers()
        names = [member.name for member in found]
        assert len(names) == 18
        for image, label in zip(found[::2], found[1::2], strict=True):
            key, kind = image.name.split(".")
            assert (kind, label.name) == ("jpg", f"{key}.cls")
            assert int(tar.extractfile(label).read()) == photographs.split("train").labels[int(key)]
            Image.open(io.BytesIO(tar.extractfile(image).read())).verify()
    assert sorted(names) != names  # in random order


def test_an_interrupted_packing_is_completed(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "PER_SHARD", 2)
    monkeypatch.setattr(packing, "AT_ONCE", 2)
    whole = pack(photographs, tmp_path / "whole", HOW)
    add, added = packing._add, []

    def interrupted(tar, name, content):
        added.append(name)
        if len(added) == 9:
            raise KeyboardInterrupt
        add(tar, name, content)

    monkeypatch.setattr(packing, "_add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pack(photographs, tmp_path / "parts", HOW)
    with pytest.raises(DataError, match="parts: is not packed completely; run the same `rcnnzoo pack` again"):
        open_data(str(tmp_path / "parts"))
    with pytest.raises(DataError, match="holds a packing that differs in quality; give another folder"):
        pack(photographs, tmp_path / "parts", Packing(40, 80, 0, 10))
    monkeypatch.setattr(packing, "_add", add)
    first = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "parts").glob("*.tar")}
    assert len(first) == 2
    assert pack(photographs, tmp_path / "parts", HOW) == whole
    for file in (tmp_path / "whole").iterdir():
        assert file.read_bytes() == (tmp_path / "parts" / file.name).read_bytes()
    assert all((tmp_path / "parts" / name).stat().st_mtime_ns == written for name, written in first.items())
    assert sorted(file.name for file in (tmp_path / "parts").iterdir()) == sorted(
        file.name for file in (tmp_path / "whole").iterdir()
    )


def test_workers_make_no_difference(photographs, tmp_path):
    one = pack(photographs, tmp_path / "one", HOW)
    assert pack(photographs, tmp_path / "two", Packing(40, 90, 2, 10)) == one


def test_images_that_can_not_be_read_are_counted_and_left_out(photographs, tmp_path):
    bad = tmp_path / "photographs" / "train" / "n01443537" / "n01443537_0.JPEG"
    bad.write_bytes(b"no image")
    with pytest.warns(DataWarning, match=r"n01443537_0.JPEG: unreadable, skipped"):
        index = pack(photographs, tmp_path / "packed", HOW)
    assert (index["splits"]["train"]["images"], index["splits"]["train"]["left_out"]) == (8, 1)
    small = open_data(str(tmp_path / "packed")).split("train")
    assert "n01443537/n01443537_0.JPEG" not in small.files
    assert small.labels.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    with pytest.raises(DataError, match="unreadable"):
        pack(photographs, tmp_path / "strict", Packing(40, 90, 0, 0))


def test_damage_is_noticed(photographs, tmp_path):
    folder = tmp_path / "packed"
    pack(photographs, folder, HOW)
    assert dict(verify(folder)) == {"train-000000.tar": 9, "val-000000.tar": 9}
    shard = folder / "train-000000.tar"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    with pytest.raises(DataError, match=r"train-000000.tar: was changed or damaged"):
        dict(verify(folder))
    shard.write_bytes(whole[:-1000])
    for look in (lambda: dict(verify(folder)), lambda: open_data(str(folder))):
        with pytest.raises(DataError, match=rf"train-000000.tar: has {len(whole) - 1000:,} bytes, not {len(whole):,}"):
            look()
    shard.unlink()
    with pytest.raises(DataError, match=r"train-000000.tar: can't be read \(No such file or directory\)"):
        open_data(str(folder))
    shard.write_bytes(whole)
    rows = folder / "train-index.npz"
    content = rows.read_bytes()
    rows.write_bytes(content[:400] + bytes([content[400] ^ 1]) + content[401:])
    with pytest.raises(DataError, match=r"train-index.npz: can't be read \(it was changed or damaged\)"):
        open_data(str(folder))
    rows.write_bytes(content)
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"format": 9}))
    with pytest.raises(DataError, match=r"index.json: is not of format 1"):
        open_data(str(folder))
    (folder / "index.json").write_text("{")
    with pytest.raises(DataError, match=r"index.json: can't be read"):
        open_data(str(folder))


def test_folders_that_hold_something_else_and_two_at_once(photographs, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="full: holds other files; give an empty folder"):
        pack(photographs, tmp_path / "full", HOW)
    (tmp_path / "busy").mkdir()
    with locked(tmp_path / "busy" / LOCK, tmp_path / "busy", wait=False), pytest.raises(BusyError):
        pack(photographs, tmp_path / "busy", HOW)


def test_a_shard_cut_short_while_training_reads_is_an_unreadable_image(photographs, tmp_path):
    pack(photographs, tmp_path / "packed", HOW)
    split = open_data(str(tmp_path / "packed")).split("train")
    shard = tmp_path / "packed" / "train-000000.tar"
    shard.write_bytes(shard.read_bytes()[:2000])
    with pytest.raises(OSError, match="its shard is cut short"):
        for position in range(len(split)):
            split.read(position)


def test_a_moved_packing_is_the_same_data(photographs, tmp_path):
    pack(photographs, tmp_path / "packed", HOW)
    before = fingerprint(open_data(str(tmp_path / "packed")).split("train"))
    (tmp_path / "packed").rename(tmp_path / "moved")
    assert fingerprint(open_data(str(tmp_path / "moved")).split("train")) == before
