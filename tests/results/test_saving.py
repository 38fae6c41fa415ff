"""Files of results: what is in them is text and numbers, never a program."""

import csv

import pandas as pd

from rcnnzoo.results.saving import save_table


def test_names_are_never_formulas_of_a_spreadsheet(tmp_path):
    names = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "plain", "a\rb"]
    save_table(pd.DataFrame({"=name": names, "difference": [-0.5] * 7}), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["'=name", "difference"]
    assert [row[0] for row in rows] == [f"'{name}" for name in names[:5]] + ["plain", r"a\rb"]
    assert {row[1] for row in rows} == {"-0.5"}  # numbers stay numbers


def test_names_that_are_not_utf8_are_written_as_they_are(tmp_path):
    save_table(pd.DataFrame({"file": ["a\udcff.png"]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == b"file\na\xff.png\n"
