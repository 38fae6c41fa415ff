"""Reading what people did: every row is checked, and nothing is filled in."""

import os
import re
import sys
import unicodedata

import numpy as np
import pytest

from rcnnzoo.errors import DataError
from rcnnzoo_behaviour.human import read_people
from tests.plugins.behaviour.crowd import make_images, rows_by_image, rows_by_trial, write_csv


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("images")
    make_images(place, 24)
    return place


@pytest.fixture
def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def test_a_row_an_image(folder, names, tmp_path):
    rows = rows_by_image(names)
    people = read_people(write_csv(tmp_path / "people.csv", rows), folder)
    assert people.trials is None
    assert people.images["image"].tolist() == names
    assert people.images["note"].unique().tolist() == ["kept"]
    assert people.category.tolist() == [row["category"] for row in rows]
    for row, doubt in zip(rows, people.images["uncertainty"], strict=True):
        assert doubt == pytest.approx(min(row["n_correct"], 20 - row["n_correct"]) / 20)


@pytest.mark.parametrize("columns", [("pc",), ("uncertainty",), ("n", "n_correct")])
def test_any_of_pc_uncertainty_or_counts_will_do(folder, names, tmp_path, columns):
    rows = [{name: row[name] for name in ("image", "animate", *columns)} for row in rows_by_image(names)]
    people = read_people(write_csv(tmp_path / "people.csv", rows), folder)
    wanted = [min(row["n_correct"], 20 - row["n_correct"]) / 20 for row in rows_by_image(names)]
    np.testing.assert_allclose(people.images["uncertainty"].astype(float), wanted, atol=1e-9)


def test_a_row_a_trial_with_missing_and_late_responses(folder, names, tmp_path):
    rows = rows_by_trial(names, people=4)
    for row in rows:
        row["correct"], row["rt_ms"] = 1, 500
    for place, answer in enumerate(["0", "late", ""]):  # of the first image, by the first three people
        rows[place * len(names)]["correct"] = answer
    rows[1]["correct"] = 0  # of the second, so that D is not 0 for all others alike
    people = read_people(write_csv(tmp_path / "people.csv", rows), folder)
    first = people.images.iloc[0]
    assert (first["n"], first["n_correct"], first["n_missing"], first["n_late"]) == (2, 1, 1, 1)
    assert (first["pc"], first["uncertainty"]) == (0.5, 0.5)
    assert people.images["uncertainty"].tolist()[1:3] == [0.25, 0.0]
    assert people.trials["answer"].value_counts().to_dict()["missing"] == 1


def test_reaction_times_are_correct_ones_less_their_persons_median(folder, names, tmp_path):
    rows = []
    for person, times in (("a", [300, 400, 500]), ("b", [600, 700, 90])):
        for place, name in enumerate(names):
            rows.append(
                {
                    "subject": person,
                    "image": name,
                    "animate": int(name.startswith("animate")),
                    "correct": int(place != 5 or person == "b"),
                    "rt_ms": times[place] if place < 3 else "",
                }
            )
    people = read_people(write_csv(tmp_path / "people.csv", rows), folder)
    # Medians are 400 and, an anticipation of 90 ms left out, 650.
    assert people.images["rt_centred_ms"].tolist()[:3] == [(-100 - 50) / 2, (0 + 50) / 2, 100]
    assert people.images["n_rt"].tolist()[:4] == [2, 2, 1, 0]
    assert np.isnan(people.images["rt_centred_ms"][3])


def change(place, **cells):
    def apply(rows):
        rows[place].update(cells)
        return rows

    return apply


BY_IMAGE = {
    "missing image": (change(3, image="animate/none.png"), "row 5: image animate/none.png is missing under "),
    "elsewhere": (change(0, image="../x.png"), "row 2: image ../x.png is not a path under "),
    "no image": (change(0, image=""), "row 2: no image; give its path"),
    "PC of 1.2": (change(7, pc=1.2), "row 9: pc is 1.2; a share lies between 0 and 1"),
    "D contradicts PC": (
        change(2, n=20, n_correct=18, pc=0.9, uncertainty=0.3),
        "row 4: uncertainty is 0.3, but D = 0.5 - |0.5 - PC| is 0.1 with a PC of 0.9; correct one of them",
    ),
    "PC contradicts counts": (change(2, n=20, n_correct=18, pc=0.5), "row 4: pc is 0.5, but n_correct / n is 0.9"),
    "more than there are people": (change(2, n=1e19, n_correct=1e19), "row 4: n is 1e.19 and n_correct 1e.19; give"),
    "more right than asked": (change(2, n=20, n_correct=21), "row 4: n is 20 and n_correct 21; give whole numbers"),
    "fewer than 20": (lambda rows: rows[:12], "row 13: ends after 12 images; give at least 20"),
    "one category": (
        lambda rows: [row | {"animate": 1} for row in rows],
        "rows 2 to 25: one category only, all are animate; give both kinds of images",
    ),
    "all D equal": (
        lambda rows: [row | {"n_correct": 18, "pc": 0.9, "uncertainty": 0.1} for row in rows],
        "rows 2 to 25: uncertainty is 0.1 in every row",
    ),
    "twice": (lambda rows: [*rows, rows[4]], "row 26: image .* is in row 6 already; give each image one row"),
    "NaN": (change(5, pc="nan"), "row 7: pc is nan; give a number, or leave the row out"),
    "empty": (change(5, pc=""), "row 7: pc is empty; give a number"),
    "text": (change(5, uncertainty="low"), "row 7: uncertainty is 'low'; give a number"),
    "not 0 or 1": (change(6, animate=2), "row 8: animate is '2'; give 1 or 0"),
    "no animate": (
        lambda rows: [{name: row[name] for name in row if name != "animate"} for row in rows],
        "row 1: no column 'animate'; it has image, category, .* but needs image, animate, and pc or uncertainty",
    ),
    "no doubt": (
        lambda rows: [{name: row[name] for name in ("image", "animate")} for row in rows],
        "row 1: no column pc, uncertainty, or n and n_correct; give one of these",
    ),
}


def message(file, folder):
    with pytest.raises(DataError) as caught:
        read_people(file, folder)
    text = str(caught.value)
    assert text.startswith(str(file))
    assert "\n" not in text
    return text


def matches(pattern, text):
    return re.search(pattern.replace("(", r"\(").replace("|", r"\|").replace("?", r"\?"), text)


BY_TRIAL = {
    "answer": (change(3, correct="yes"), "row 5: correct is 'yes'; give 1, 0, missing or late"),
    "no subject": (change(3, subject=""), "row 5: no subject; name each person"),
    "time": (change(3, rt_ms=-3), "row 5: rt_ms is -3; give milliseconds"),
    "twice": (
        lambda rows: [*rows, rows[1]],
        "row 146: p0 saw animate/03.png in row 3 already; number trials in a column if so it was",
    ),
    "twice, and otherwise": (
        lambda rows: [*rows, rows[1] | {"correct": 1 - rows[1]["correct"], "rt_ms": 512}],
        "row 146: p0 saw animate/03.png in row 3 already; number trials in a column if so it was",
    ),
    "time that is none": (change(3, rt_ms="nan"), "row 5: rt_ms is nan; give a number, or nothing"),
    "no correct": (
        lambda rows: [{name: row[name] for name in ("subject", "image", "animate")} for row in rows],
        "row 1: no column 'correct'; it has subject, image, animate, but needs subject, image, animate, correct",
    ),
    "changing": (change(30, animate=0), "row 32: animate is '0', but '1' for animate/.*.png in row 8"),
    "nobody": (
        lambda rows: [row | ({"correct": "missing"} if row["image"].endswith("01.png") else {}) for row in rows],
        "row 2: nobody responded to animate/01.png, and no response is filled in; leave it out",
    ),
}


@pytest.mark.parametrize(
    ("make_rows", "spoil", "wanted"),
    [
        pytest.param(make_rows, *faults[fault], id=f"{kind}: {fault}")
        for kind, make_rows, faults in (("image", rows_by_image, BY_IMAGE), ("trial", rows_by_trial, BY_TRIAL))
        for fault in faults
    ],
)
def test_what_is_wrong_is_said_with_its_row(folder, names, tmp_path, make_rows, spoil, wanted):
    text = message(write_csv(tmp_path / "people.csv", spoil(make_rows(names))), folder)
    assert matches(wanted, text), text


FILES = {
    "nothing": (b"", "row 1: the file is empty"),
    "only a header": (b"image,animate,pc\n", "row 1: ends after 0 images; give at least 20"),
    "semicolons": (b"image;animate;pc\na.png;1;0,9\n", "row 1: separated by semicolons; separate columns by commas"),
    "latin-1": (
        "image,animate,pc\nk\u00e4fer.png,1,1\n".encode("latin-1"),
        "line 2: is not UTF-8; save it as CSV in UTF-8",
    ),
    "UTF-16": ("image,animate,pc\nx.png,1,1\n".encode("utf-16"), "line 1: is not UTF-8; save it as CSV in UTF-8"),
    "zero bytes": ("image,animate,pc\n".encode("utf-16-le"), "line 1: holds a zero byte"),
    "too few cells": (b"image,animate,pc\nx.png,1\n", "row 2: 2 cells, but the header names 3 columns"),
    "a comment": (b"# made by us\nimage,animate,pc\n", "row 1: is a comment; remove it, for row 1 must name"),
    "other separators": (b"sep=;\nimage;animate;pc\n", "line 1: columns are separated by ';'; separate them by commas"),
    "quoted line breaks": (
        b'image,animate,"p\nc"\n"a\nb",1,1\nx.png,1\n',
        "row 3: 2 cells, but the header names 3 columns",
    ),
    "two of a name": (b"image,animate,pc,pc\n", "row 1: two columns are named 'pc'; rename one of them"),
    "a quote": (b'image,animate,pc\n"x.png,1,1\n', "row 2: is not CSV (unexpected end of data); repair its quotes"),
}


@pytest.mark.parametrize("fault", FILES)
def test_what_is_wrong_with_a_file_is_said(folder, tmp_path, fault):
    content, wanted = FILES[fault]
    (tmp_path / "people.csv").write_bytes(content)
    text = message(tmp_path / "people.csv", folder)
    assert any(part in text for part in wanted.split("|")), text


def test_a_folder_of_images_that_is_not_there_is_said_first(tmp_path):
    with pytest.raises(DataError, match=r"photos: there is no such folder; give the folder of the images"):
        read_people(tmp_path / "people.csv", tmp_path / "photos")


def test_a_file_that_is_not_there(folder, tmp_path):
    assert "can't be read (No such file or directory)" in message(tmp_path / "none.csv", folder)


def test_a_byte_order_mark_and_spaces_are_no_fault(folder, names, tmp_path):
    file = write_csv(tmp_path / "people.csv", rows_by_image(names))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b",animate", b", animate", 1))
    assert len(read_people(file, folder).images) == 24


def test_excels_line_about_separators_is_not_a_row(folder, names, tmp_path):
    """Excel writes and reads it, and doesn't show it."""
    file = write_csv(tmp_path / "people.csv", rows_by_image(names))
    file.write_bytes(b"sep=,\r\n" + file.read_bytes())
    people = read_people(file, folder)
    assert len(people.images) == 24
    assert people.places[0] == f"{file}, row 2"


def test_cells_with_line_breaks_are_in_one_row(folder, names, tmp_path):
    rows = rows_by_image(names)
    rows[0]["note"] = "first line\nsecond line\nthird line"
    rows[3]["pc"] = 1.2
    assert "row 5: pc is 1.2" in message(write_csv(tmp_path / "people.csv", rows), folder)


@pytest.mark.parametrize(("on_disk", "in_file"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_in_unicodes_two_forms_are_the_same_image(names, tmp_path, on_disk, in_file):
    """They look the same, so nobody could see why an image is missing or is there twice."""
    rows = rows_by_image(make_images(tmp_path / "images", 24))
    first = tmp_path / "images" / rows[0]["image"]
    first.rename(first.with_name(unicodedata.normalize(on_disk, "caf\u00e9.png")))
    for row, form in zip(rows, (in_file, on_disk), strict=False):
        row["category"] = unicodedata.normalize(form, "caf\u00e9")
    rows[0]["image"] = unicodedata.normalize(in_file, "inanimate/caf\u00e9.png")
    people = read_people(write_csv(tmp_path / "people.csv", rows), tmp_path / "images")
    assert (tmp_path / "images" / people.images["image"][0]).is_file()
    assert people.images["category"][0] == people.images["category"][1]
    rows.append({**rows[0], "image": unicodedata.normalize(on_disk, rows[0]["image"])})
    text = message(write_csv(tmp_path / "people.csv", rows), tmp_path / "images")
    assert "row 26: image inanimate/caf" in text
    assert "is in row 2 already" in text


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders")
def test_a_pipe_is_not_an_image(names, tmp_path):
    rows = rows_by_image(make_images(tmp_path / "images", 24))
    pipe = tmp_path / "images" / rows[2]["image"]
    pipe.unlink()
    os.mkfifo(pipe)
    text = message(write_csv(tmp_path / "people.csv", rows), tmp_path / "images")
    assert f"row 4: image {rows[2]['image']} is not a regular file; give an image" in text


def test_trials_that_a_column_tells_apart_are_two_and_answers_may_be_written_as_floats(folder, names, tmp_path):
    rows = [
        row | {"correct": f"{row['correct']}.0", "block": block} for block in (1, 2) for row in rows_by_trial(names)
    ]
    people = read_people(write_csv(tmp_path / "people.csv", rows), folder)
    once = read_people(write_csv(tmp_path / "once.csv", rows_by_trial(names)), folder)
    assert (people.images["n"] == 12).all()
    assert people.images["n_correct"].tolist() == (2 * once.images["n_correct"]).tolist()


def test_each_image_has_the_row_in_which_it_stands_first(folder, names, tmp_path):
    file = write_csv(tmp_path / "people.csv", rows_by_trial(names))
    assert read_people(file, folder).places[:2] == [f"{file}, row 2", f"{file}, row 3"]
    file = write_csv(tmp_path / "people.csv", rows_by_image(names))
    assert read_people(file, folder).places[-1] == f"{file}, row {len(names) + 1}"
