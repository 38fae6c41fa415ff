"""From `--data` to splits, on look-alikes of the real data sets."""

import os

import numpy as np
import pytest

from rcnnzoo import plugins
from rcnnzoo.checking.data import check_data
from rcnnzoo.data.opening import open_data
from rcnnzoo.data.splits import check_splits
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError, OptionError, UnknownName
from tests.data.lookalikes import (
    ECOSET_CATEGORIES,
    IMAGENET_CATEGORIES,
    make_classes,
    make_ecoset,
    make_imagenet,
    make_kaggle_imagenet,
    save_image,
)


def test_ecoset_as_it_is_unpacked(tmp_path):
    make_ecoset(tmp_path / "ecoset")
    with pytest.warns(DataWarning, match="4 of ecoset's 565 categories in train"):
        data = open_data("ecoset", tmp_path)
    assert list(data.splits) == ["train", "val", "test"]
    assert data.categories == ECOSET_CATEGORIES
    assert data.splits["val"].labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert all(data.splits["train"].read(i).mode == "RGB" for i in range(12))
    assert data.best_test() == "test"


def test_imagenet_with_a_folder_a_synset(tmp_path):
    data = open_data("imagenet", make_imagenet(tmp_path))
    assert list(data.splits) == ["train", "val"]
    assert data.categories == IMAGENET_CATEGORIES
    assert all(data.splits["val"].read(i).mode == "RGB" for i in range(9))
    assert data.best_test() == "val"


def test_imagenet_as_kaggle_packs_it(tmp_path):
    """The same image gives the same label, in whichever order its table lists them."""
    data = open_data("imagenet", make_kaggle_imagenet(tmp_path))
    val = data.splits["val"]
    labels = dict(zip(val.files, val.labels.tolist(), strict=True))
    assert labels == {f"ILSVRC2012_val_{n + 1:08d}.JPEG": n // 3 for n in range(9)}
    assert val.read(0).size == (90, 70)


def test_imagenet_with_test_images_in_one_heap(tmp_path):
    """They have no labels; and Kaggle's table is not needed once val/ has been sorted into folders."""
    make_imagenet(tmp_path)
    save_image(tmp_path / "test" / "ILSVRC2012_test_00000001.JPEG", 1)
    (tmp_path / "LOC_val_solution.csv").write_text("ImageId,PredictionString\n")
    assert {name: len(split) for name, split in open_data("imagenet", tmp_path).splits.items()} == {
        "train": 9,
        "val": 9,
    }


def test_category_names_that_are_no_text_are_refused(tmp_path):
    """They could not be written into the weights at the end of training."""
    make_classes(tmp_path, ("cat", "d\udcffg"))
    with pytest.raises(DataError, match=r"category 'd\\udcffg' holds characters that are not text"):
        open_data(str(tmp_path))


def test_cifar10_binary_version(tmp_path):
    """Records are a label, then the red, green and blue planes."""
    folder = tmp_path / "cifar10" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    records = np.concatenate([np.array([[3], [0], [9], [1]], dtype=np.uint8), pixels.reshape(4, -1)], axis=1)
    for name in [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]:
        records.tofile(folder / name)
    data = open_data("cifar10", tmp_path)
    assert len(data.splits["train"]) == 20
    assert data.splits["test"].labels.tolist() == [3, 0, 9, 1]
    np.testing.assert_array_equal(np.asarray(data.splits["test"].read(2)), pixels[2].transpose(1, 2, 0))
    (folder / "data_batch_3.bin").write_bytes(records.tobytes()[:-1])
    with pytest.raises(DataError, match=r"data_batch_3.bin: its size is not a multiple of 3073"):
        open_data("cifar10", tmp_path)


def test_cifar10_pickles_are_refused(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(DataError, match="never opened here; get cifar-10-batches-bin"):
        open_data("cifar10", tmp_path)


def test_digits_come_with_scikit_learn():
    from sklearn.datasets import load_digits

    data = open_data("digits")
    assert (len(data.splits["train"]), len(data.splits["test"])) == (1347, 450)
    split = data.splits["test"]
    original = load_digits().images[int(split.files[5])]
    np.testing.assert_allclose(np.asarray(split.read(5))[..., 0] / 255 * 16, original, atol=1 / 16)
    assert not set(data.splits["train"].files) & set(split.files)


def test_a_data_set_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.delenv("RCNNZOO_DATA", raising=False)
    with pytest.raises(DataError, match=r"ecoset.*get it from https://\S+ \(1.5 million images.*CC BY-NC-SA.*0001_man"):
        open_data("ecoset")
    with pytest.raises(DataError, match=r"is empty or missing; get it from"):
        open_data("imagenet", tmp_path)


def test_the_environment_says_where_data_lie(tmp_path, monkeypatch):
    make_imagenet(tmp_path / "imagenet")
    monkeypatch.setenv("RCNNZOO_DATA", str(tmp_path))
    assert len(open_data("imagenet").splits["train"]) == 9


def test_any_folder_of_class_folders(tmp_path):
    data = open_data(str(make_classes(tmp_path / "pets")))
    assert (data.name, list(data.splits), data.categories) == ("pets", ["all"], ("cat", "dog"))
    held = open_data(str(tmp_path / "pets"), val_fraction=0.25)
    assert {name: len(split) for name, split in held.splits.items()} == {"train": 6, "val": 2}
    assert sorted([*held.splits["train"].files, *held.splits["val"].files]) == sorted(data.splits["all"].files)
    assert sorted(held.splits["val"].labels.tolist()) == [0, 1]


def test_hidden_and_foreign_files_are_left_out(tmp_path):
    make_classes(tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "cat" / "._0.jpg").write_bytes(b"")
    (tmp_path / "cat" / "notes.txt").write_text("cute")
    save_image(tmp_path / "cat" / "deeper" / "9.PNG", 3, form="PNG")
    with pytest.warns(DataWarning, match="skipped 1 file of other kinds in 1 folder$"):
        data = open_data(str(tmp_path))
    assert [f for f in data.splits["all"].files if f.startswith("cat")] == [
        "cat/0.jpg",
        "cat/1.jpg",
        "cat/2.jpg",
        "cat/3.jpg",
        "cat/deeper/9.PNG",
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no such folder"),
        (lambda folder: make_classes(folder, ("cat",)), "1 category in all: a classifier needs at least 2"),
        (lambda folder: (make_classes(folder) / "empty").mkdir(), "empty: a class folder without images"),
        (lambda folder: folder.mkdir(), "holds no class folders; it needs a folder for each category"),
        (
            lambda folder: (make_classes(folder / "train"), make_classes(folder / "test", ("cat", "fox"))),
            "test split differ from those of its train split: 1 is 'fox', not 'dog'",
        ),
        (
            lambda folder: (make_classes(folder / "train"), make_classes(folder / "val", ("cat", "dog", "eel"))),
            "val split differ from those of its train split: 3 categories, not 2",
        ),
    ],
)
def test_a_folder_that_can_not_be_trained_on_is_refused(tmp_path, make, message):
    make(tmp_path / "pets")
    with pytest.raises(DataError, match=message):
        open_data(str(tmp_path / "pets"))


def test_fractions_that_hold_nothing_out_are_refused(tmp_path):
    make_classes(tmp_path)
    for fraction in (0.01, 0.99, 1.5):
        with pytest.raises(OptionError, match="`val_fraction`"):
            open_data(str(tmp_path), val_fraction=fraction)


def test_a_val_split_is_not_replaced(tmp_path):
    with pytest.raises(OptionError, match="has its own val split"):
        open_data("imagenet", make_imagenet(tmp_path), val_fraction=0.5)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownName, match="unknown data set 'cifar': did you mean 'cifar10'"):
        open_data("cifar")


def test_a_split_that_is_not_there_is_named(tmp_path):
    data = open_data("imagenet", make_imagenet(tmp_path))
    with pytest.raises(DataError, match="imagenet has no split 'test': there are train, val"):
        data.split("test")


@pytest.mark.parametrize("name", plugins.names("data"))
def test_every_data_set_keeps_the_contract(name):
    assert [row for row in check_data(name) if row.outcome != "ok"] == []


def test_a_kaggle_table_with_a_mark_in_front_and_synsets_that_train_lacks(tmp_path):
    make_kaggle_imagenet(tmp_path)
    table = tmp_path / "LOC_val_solution.csv"
    rows = table.read_text() + "ILSVRC2012_val_00000010,n99999999 1 2 3 4\n"
    table.write_text(rows, encoding="utf-8-sig")
    with pytest.warns(DataWarning, match="skipped 1 images of synsets that train/ does not hold"):
        val = open_data("imagenet", tmp_path).splits["val"]
    assert len(val) == 9


def test_a_flat_val_folder_without_kaggles_table_says_how_to_sort_it(tmp_path):
    make_imagenet(tmp_path)
    for folder in list((tmp_path / "val").iterdir()):
        for file in folder.iterdir():
            file.rename(tmp_path / "val" / file.name)
        folder.rmdir()
    (tmp_path / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n")
    with pytest.raises(DataError, match=r"sort them into a folder for each synset, or put Kaggle's LOC_val_solution"):
        open_data("imagenet", tmp_path)


@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_a_category_may_be_called_like_a_split(tmp_path, name):
    """Pictures of trains are in train/ itself; in a split they are one level deeper."""
    data = open_data(str(make_classes(tmp_path, ("bus", "car", name))))
    assert data.categories == tuple(sorted(("bus", "car", name)))
    assert list(data.splits) == ["all"]


def test_splits_and_categories_side_by_side_are_refused(tmp_path):
    make_classes(tmp_path / "train")
    make_classes(tmp_path, ("bus",))
    with pytest.raises(DataError, match=r"holds both splits \(train\) and folders with images \(bus\)"):
        open_data(str(tmp_path))


def test_a_folder_without_images_beside_splits_does_not_matter(tmp_path):
    make_classes(tmp_path / "train")
    (tmp_path / "notes").mkdir()
    assert list(open_data(str(tmp_path)).splits) == ["train"]


@pytest.mark.parametrize("val", ["valid", "validation", "Val"])
@pytest.mark.parametrize("train", ["train", "training"])
def test_splits_go_by_their_usual_names(tmp_path, train, val):
    make_classes(tmp_path / train)
    make_classes(tmp_path / val)
    assert list(open_data(str(tmp_path)).splits) == ["train", "val"]
    make_classes(tmp_path / "VALID")
    if val != "valid":
        with pytest.raises(DataError, match=r"are both the val split: keep one of them"):
            open_data(str(tmp_path))


def test_folders_of_file_servers_and_archives_are_skipped_and_counted(tmp_path):
    make_classes(tmp_path / "pets")
    save_image(tmp_path / "pets" / "cat" / "@eaDir" / "0.jpg" / "thumbnail.jpg", 1)
    save_image(tmp_path / "pets" / "__MACOSX" / "cat" / "0.jpg", 1)
    (tmp_path / "pets" / "README.txt").write_text("pets")
    (tmp_path / "pets" / "dog" / "a.xml").write_text("")
    (tmp_path / "pets" / "cat" / "a.xml").write_text("")
    (tmp_path / "pets" / "cat" / "b.xml").write_text("")
    said = r"skipped 3 files of other kinds in 2 folders; 1 file beside the class folders; 2 system folders"
    with pytest.warns(DataWarning, match=said):
        data = open_data(str(tmp_path / "pets"))
    assert len(data.splits["all"]) == 8


def test_links_are_followed_and_those_to_nothing_are_named(tmp_path):
    make_classes(tmp_path / "elsewhere", ("cat", "eel"))
    make_classes(tmp_path / "pets", ("cat", "dog"))
    (tmp_path / "pets" / "eel").symlink_to(tmp_path / "elsewhere" / "eel")
    (tmp_path / "pets" / "cat" / "more").symlink_to(tmp_path / "elsewhere" / "cat")
    split = open_data(str(tmp_path / "pets")).splits["all"]
    assert split.categories == ("cat", "dog", "eel")
    assert [file for file in split.files if file.startswith("cat/more")] == [f"cat/more/{n}.jpg" for n in range(4)]
    (tmp_path / "pets" / "cat" / "back").symlink_to(tmp_path / "pets" / "cat")
    with pytest.raises(DataError, match="back: is a link to a folder that contains it"):
        open_data(str(tmp_path / "pets"))
    (tmp_path / "pets" / "cat" / "back").unlink()
    (tmp_path / "pets" / "fox").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match="fox: is a broken link"):
        open_data(str(tmp_path / "pets"))


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG"])
def test_jpegs_by_all_their_names(tmp_path, suffix):
    make_classes(tmp_path)
    save_image(tmp_path / "cat" / f"x{suffix}", 1)
    assert f"cat/x{suffix}" in open_data(str(tmp_path)).splits["all"].files


def test_a_folder_one_level_too_deep_or_too_high_is_named(tmp_path):
    make_classes(tmp_path / "downloads" / "pets")
    with pytest.raises(DataError, match=r"holds only one folder; did you mean .*downloads/pets\?"):
        open_data(str(tmp_path / "downloads"))
    with pytest.raises(DataError, match=r"it holds images; did you mean the folder above it, .*/pets\?"):
        open_data(str(tmp_path / "downloads" / "pets" / "cat"))


def test_a_data_set_without_splits_is_refused():
    with pytest.raises(DataError, match="mine: holds no images: its reader gave no splits"):
        check_splits({}, "mine")


def test_a_folder_whose_name_is_not_utf8_gets_one_that_is(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    assert open_data(str(make_classes(folder))).name == "caf\\udce9"
