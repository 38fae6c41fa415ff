"""Trials from CSV files: what they show, and the one line that says what is wrong."""

import numpy as np
import pytest
from PIL import Image

from rcnnzoo.data.sequences import read_sequences
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError, UnknownName

HEADER = "trial,position,image,steps"


@pytest.fixture
def folder(tmp_path):
    """Images of two categories, one deeper, and one in no folder."""
    for name in ("cat/1.png", "dog/two/2.png", "3.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / name)
    return tmp_path / "images"


def read(folder, *rows, header=HEADER):
    file = folder.parent / "trials.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    return read_sequences(file, folder)


def test_trials_of_unequal_length_in_any_order_of_rows(folder):
    sequences = read(folder, "b,2,blank,2", "a,1,cat/1.png,3", "b,1,dog/two/2.png,1", "b,3,noise,1")
    assert list(sequences.trials) == ["b", "a"]
    assert [item.image for item in sequences.trials["b"]] == ["dog/two/2.png", "blank", "noise"]
    assert (sequences.steps, sequences.files) == (4, ["cat/1.png", "dog/two/2.png"])
    assert sequences.by_step([[1, 2, 3], [1]], 0).tolist() == [[1, 2, 2, 3], [1, 1, 1, 0]]
    assert sequences.has_noise
    assert not sequences.has_targets


def test_a_category_is_that_of_the_column_or_else_the_nearest_folder_called_like_one(folder):
    rows = ["a,1,cat/1.png,1,", "a,2,dog/two/2.png,1,", "a,3,cat/1.png,1,dog", "a,4,blank,1,", "a,5,3.png,1,"]
    sequences = read(folder, *rows, header=f"{HEADER},category")
    with pytest.warns(
        DataWarning, match="images in no folder that is called like one of the network's categories: 1 of 4"
    ):
        labels = sequences.labels(["dog", "cat"])
    assert labels == [[1, 0, 0, -1, -1]]
    with pytest.raises(UnknownName, match=r"unknown category 'dog': did you mean 'dogs'\? \(.*trials.csv, row 4\)"):
        sequences.labels(["cat", "dogs"])


def test_what_is_shown_is_its_identity(folder):
    rows = ["a,1,cat/1.png,2", "a,2,blank,1"]
    first = read(folder, *rows).fingerprint()
    assert first == read(folder, *reversed(rows)).fingerprint()
    for other in (["a,1,cat/1.png,3", "a,2,blank,1"], ["a,1,cat/1.png,2", "a,2,noise,1"], ["b,1,cat/1.png,2"]):
        assert read(folder, *other).fingerprint() != first
    Image.new("RGB", (9, 9)).save(folder / "cat" / "1.png")
    assert read(folder, *rows).fingerprint() != first


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "row 1: no rows follow the header"),
        (["a,1,cat/1.png,1", "a,3,blank,1"], "trial a has 2 rows, but none for position 2"),
        (["a,1,cat/1.png,1", "a,1,blank,1"], "row 3: trial a has position 1 in row 2 already"),
        (["a,0,cat/1.png,1"], "row 2: position is '0'; give a whole number from 1"),
        (["a,1,cat/1.png,0"], "row 2: steps is '0'; give a whole number from 1"),
        (["a,1,cat/1.png,-2"], "row 2: steps is '-2'"),
        (["a,1,cat/1.png,2.5"], "row 2: steps is '2.5'"),
        (["a,1,cat/1.png,"], "row 2: no steps; fill it in"),
        (["a,1,cat/9.png,1"], "row 2: image cat/9.png is missing under"),
        (["a,1,../x.png,1"], "row 2: image ../x.png is not a path under"),
        (["a,1,cat,1"], "row 2: image cat is not a regular file"),
        (["a,1,,1"], "row 2: no image; fill it in"),
        ([",1,blank,1"], "row 2: no trial; fill it in"),
        (["a,1,blank,9999", "a,2,noise,2"], "trial a has 10,001 time steps; take at most 10,000"),
        (["a,1,./noise,1"], "row 2: image ./noise is a file, but noise stands for what is drawn; rename the file"),
        (["a,1,blank,10001"], "row 2: steps is '10001'; give a whole number from 1 to 10,000"),
        (["a,1,blank"], "row 2: 3 cells, but the header names 4 columns"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(folder, rows, words):
    Image.new("RGB", (8, 8)).save(folder / "noise", format="png")
    with pytest.raises(DataError) as raised:
        read(folder, *rows)
    assert words in str(raised.value)
    assert "trials.csv" in str(raised.value)


def test_columns(folder):
    with pytest.raises(DataError, match="row 1: no column 'steps'; it has trial, position, image"):
        read(folder, "a,1,blank", header="trial,position,image")
    with pytest.raises(DataError, match="row 2: target is 'yes'; give 1 or 0"):
        read(folder, "a,1,blank,1,yes", header=f"{HEADER},target")
    with pytest.warns(DataWarning, match="columns not used: note"):
        read(folder, "a,1,blank,1,x", header=f"{HEADER},note")
    with pytest.raises(DataError, match="row 3: no target; fill it in"):
        read(folder, "a,1,blank,1,1", "a,2,noise,1,", header=f"{HEADER},target")
    with pytest.raises(DataError, match="row 2: category is 'cat', but blank is of none; leave it empty"):
        read(folder, "a,1,blank,1,cat", header=f"{HEADER},category")
    sequences = read(folder, "a,1,blank,1,1", "a,2,noise,1,0", header=f"{HEADER},target")
    assert [item.target for item in sequences.trials["a"]] == [True, False]
    with pytest.raises(DataError, match="there is no such folder"):
        read_sequences(folder.parent / "trials.csv", folder / "none")


def test_numbers_by_step_are_whole(folder):
    assert read(folder, "a,1,blank,2").by_step([[7]], -1).dtype == np.int64
