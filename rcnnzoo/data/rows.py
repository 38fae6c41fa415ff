"""Rows of CSV files that users wrote, and the images that they name.

Rows are counted as a spreadsheet shows them: the header is row 1, and a cell with line breaks is in one row.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from rcnnzoo.errors import DataError


def read_rows(file: Path, what: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The number and the cells of each row below the header, in Unicode's composed form.

    Args:
        file: CSV in UTF-8.
        what: Its rows hold, for the error about an empty file.

    Raises:
        DataError: It can't be read as that; the message says in which row.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: can't be read ({error.strerror}); give a CSV file") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{file}, line {line}: is not UTF-8; save it as CSV in UTF-8") from error
    if not text.strip():
        raise DataError(f"{file}, row 1: the file is empty; give a header and {what}")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{file}, line {line}: holds a zero byte, so it is not CSV in UTF-8; save it as that")
    if text[:4].lower() == "sep=":  # for Excel, which doesn't show that line
        separator, _, text = text[4:].partition("\n")
        if separator.strip() != ",":
            raise DataError(f"{file}, line 1: columns are separated by {separator.strip()!r}; separate them by commas")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 1
    try:
        header = [_composed(name) for name in next(reader)]
        if header[0].startswith("#"):
            raise DataError(f"{file}, row 1: is a comment; remove it, for row 1 must name the columns")
        if len(header) == 1 and (mark := next((mark for mark in ";\t" if mark in header[0]), None)):
            named = "semicolons" if mark == ";" else "tabs"
            raise DataError(f"{file}, row 1: separated by {named}; separate columns by commas")
        twice = next((name for name in header if header.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{file}, row 1: two columns are named {twice!r}; rename one of them")
        for number, cells in enumerate(reader, 2):
            if not cells:
                continue  # a line without anything in it
            if len(cells) != len(header):
                raise DataError(f"{file}, row {number}: {len(cells)} cells, but the header names {len(header)} columns")
            yield number, dict(zip(header, map(_composed, cells), strict=True))
    except csv.Error as error:
        raise DataError(f"{file}, row {number + 1}: is not CSV ({error}); repair its quotes") from error


def _composed(cell: str) -> str:
    """A cell in Unicode's composed form: "café" can be written in two ways that look the same."""
    return unicodedata.normalize("NFC", cell.strip())


def find_image(folder: Path, image: str) -> str:
    """The path under a folder, as it is spelt there, of an image that a row names.

    Raises:
        DataError: It is not one, or there is no such file.
    """
    path = Path(image)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"image {image} is not a path under {folder}; give one that is")
    forms = (Path(unicodedata.normalize(form, image)) for form in ("NFC", "NFD"))  # files have the one or the other
    found = next((form for form in forms if (folder / form).exists()), None)
    if found is None:
        raise DataError(f"image {image} is missing under {folder}; put it there, or correct the path")
    if not (folder / found).is_file():
        raise DataError(f"image {image} is not a regular file; give an image")
    return found.as_posix()
