"""Reading what people did, one row per image or one row per trial, and checking every row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rcnnzoo.plugin import DataError, find_image, read_rows

LEAST_IMAGES = 20
ROUNDING = 0.01
"""How far shares and D may be from each other if both were rounded to two decimals."""
ANTICIPATION = 100.0
"""Milliseconds in which nobody sees what an image holds; a faster response is not to the image."""
MOST_JUDGEMENTS = 1_000_000
"""Judgements of an image above which a number must be a mistake."""
BY_IMAGE = ("image", "animate")
BY_TRIAL = ("subject", "image", "animate", "correct")
ANSWERS = {"1": "correct", "1.0": "correct", "0": "wrong", "0.0": "wrong", "": "missing"}
ANSWERS |= {"missing": "missing", "late": "late"}
KNOWN = (*BY_TRIAL, "category", "rt_ms")
"""Columns of trials that say nothing of when an image was shown; any other may tell two trials apart."""
NUMBERS = ("animate", "pc", "uncertainty", "n", "n_correct")


@dataclass(frozen=True)
class People:
    """What people did.

    Attributes:
        images: One row per image, in the order of the file: `image, animate, pc, uncertainty`, where known `category,
            n, n_correct`, from trials `n_missing, n_late` and, where they have `rt_ms`, `n_rt, rt_centred_ms`; and the
            file's other columns.
        trials: One row per trial: `subject, image, animate, answer` (correct, wrong, missing or late), where known
            `rt_ms`. None if the file has one row per image.
        places: File and row in which each image stands (first), for messages.
    """

    images: pd.DataFrame
    trials: pd.DataFrame | None = None
    places: Sequence[str] = ()

    @property
    def category(self) -> pd.Series[Any]:
        """The finest category known of each image."""
        return self.images["category" if "category" in self.images else "animate"].astype(str)


def read_people(file: Path, folder: Path) -> People:
    """What people did on images of a folder.

    Args:
        file: CSV in UTF-8: `image, animate`, and `pc` or `uncertainty` or `n` and `n_correct`; or `subject, image,
            animate, correct[, rt_ms]`, where `correct` is 1, 0, empty or `missing` (no response), or `late`.
        folder: What paths in `image` are relative to.

    Raises:
        DataError: There is no such folder, or a row is wrong; the message says which.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; give the folder of the images that people saw (`images`)")
    rows = list(read_rows(file, "one row per image or per trial"))
    columns = list(rows[0][1]) if rows else []
    trials = "subject" in columns or "correct" in columns
    for name in BY_TRIAL if trials else BY_IMAGE:
        if rows and name not in columns:
            near = "subject, image, animate, correct" if trials else "image, animate, and pc or uncertainty"
            raise DataError(f"{file}, row 1: no column {name!r}; it has {', '.join(columns)}, but needs {near}")
    checked = _Checked(file, folder)
    people = checked.by_trial(rows) if trials else checked.by_image(rows)
    images = people.images
    if len(images) < LEAST_IMAGES:
        last = rows[-1][0] if rows else 1
        raise DataError(f"{file}, row {last}: ends after {len(images)} images; give at least {LEAST_IMAGES}")
    if images["animate"].nunique() == 1:
        kind = "animate" if images["animate"].iloc[0] else "inanimate"
        raise DataError(
            f"{file}, rows 2 to {rows[-1][0]}: one category only, all are {kind}; give both kinds of images"
        )
    if images["uncertainty"].nunique() == 1:
        raise DataError(
            f"{file}, rows 2 to {rows[-1][0]}: uncertainty is {images['uncertainty'].iloc[0]:g} in every row; nothing "
            "can go with it"
        )
    return people


@dataclass
class _Checked:
    """Rows on their way to tables."""

    file: Path
    folder: Path

    def by_image(self, rows: Sequence[tuple[int, dict[str, str]]]) -> People:
        seen: dict[str, int] = {}
        images = []
        for number, cells in rows:
            image = self._image(number, cells)
            if image in seen:
                raise self._wrong(number, f"image {image} is in row {seen[image]} already; give each image one row")
            seen[image] = number
            images.append(
                {**cells, "image": image, "animate": self._animate(number, cells), **self._doubt(number, cells)}
            )
        return People(pd.DataFrame(images), places=[self._place(number) for number in seen.values()])

    def by_trial(self, rows: Sequence[tuple[int, dict[str, str]]]) -> People:
        seen: dict[tuple[str, ...], int] = {}
        telling = [name for name in (rows[0][1] if rows else ()) if name not in KNOWN]
        first: dict[str, tuple[int, dict[str, str]]] = {}
        trials: list[dict[str, Any]] = []
        for number, cells in rows:
            image, person = self._image(number, cells), cells["subject"]
            if not person:
                raise self._wrong(number, "no subject; name each person")
            trial_of = (person, image, *(cells[name] for name in telling))
            if trial_of in seen:
                raise self._wrong(
                    number,
                    f"{person} saw {image} in row {seen[trial_of]} already; number trials in a column if so it was",
                )
            seen[trial_of] = number
            answer = ANSWERS.get(cells["correct"].lower())
            if answer is None:
                raise self._wrong(number, f"correct is {cells['correct']!r}; give 1, 0, missing or late")
            before, known = first.setdefault(image, (number, cells))
            for name in ("animate", "category"):
                if cells.get(name) != known.get(name):
                    raise self._wrong(
                        number, f"{name} is {cells[name]!r}, but {known[name]!r} for {image} in row {before}"
                    )
            trial = {"subject": person, "image": image, "animate": self._animate(number, cells), "answer": answer}
            if "rt_ms" in cells:
                trial["rt_ms"] = self._time(number, cells)
            trials.append(trial)
        table = pd.DataFrame(trials)
        kept = [name for name in ("category",) if rows and name in rows[0][1]]
        images = [self._of_image(image, first[image], part, kept) for image, part in _groups(table)]
        places = [self._place(number) for number, _ in first.values()]
        return People(_with_times(pd.DataFrame(images), table), table, places)

    def _of_image(
        self, image: str, first: tuple[int, dict[str, str]], trials: pd.DataFrame, kept: Sequence[str]
    ) -> dict[str, Any]:
        count = trials["answer"].value_counts()
        correct = int(count.get("correct", 0))
        n = correct + int(count.get("wrong", 0))
        if n == 0:
            raise self._wrong(first[0], f"nobody responded to {image}, and no response is filled in; leave it out")
        pc = correct / n
        return {
            "image": image,
            **{name: first[1][name] for name in kept},
            "animate": trials["animate"].iloc[0],
            "n": n,
            "n_correct": correct,
            "pc": pc,
            "uncertainty": uncertainty(pc),
            "n_missing": int(count.get("missing", 0)),
            "n_late": int(count.get("late", 0)),
        }

    def _image(self, number: int, cells: dict[str, str]) -> str:
        image = cells["image"]
        if not image:
            raise self._wrong(number, "no image; give its path")
        try:
            return find_image(self.folder, image)
        except DataError as error:
            raise self._wrong(number, str(error)) from error

    def _animate(self, number: int, cells: dict[str, str]) -> int:
        value = self._number(number, cells, "animate")
        if value not in (0, 1):
            raise self._wrong(number, f"animate is {cells['animate']!r}; give 1 or 0")
        return int(value)

    def _doubt(self, number: int, cells: dict[str, str]) -> dict[str, float]:
        """Share correct and D, each compared with whatever else says the same."""
        given = {name: self._number(number, cells, name) for name in NUMBERS if name in cells}
        found: dict[str, float] = {}
        if "n" in given and "n_correct" in given:
            n, correct = given["n"], given["n_correct"]
            if not (n.is_integer() and correct.is_integer() and 0 <= correct <= n and 0 < n <= MOST_JUDGEMENTS):
                raise self._wrong(
                    number,
                    f"n is {n:g} and n_correct {correct:g}; give whole numbers, n_correct up to n, n up to "
                    f"{MOST_JUDGEMENTS:,}",
                )
            found = {"n": int(n), "n_correct": int(correct), "pc": correct / n}
        if "pc" in given:
            pc = given["pc"]
            if not 0 <= pc <= 1:
                raise self._wrong(number, f"pc is {pc:g}; a share lies between 0 and 1")
            if "pc" in found and abs(found["pc"] - pc) > ROUNDING:
                raise self._wrong(number, f"pc is {pc:g}, but n_correct / n is {found['pc']:.4g}; correct one of them")
            found.setdefault("pc", pc)
        if "pc" in found:
            found["uncertainty"] = uncertainty(found["pc"])
        if "uncertainty" in given:
            doubt = given["uncertainty"]
            if not 0 <= doubt <= 0.5:
                raise self._wrong(number, f"uncertainty is {doubt:g}; D = 0.5 - |0.5 - PC| lies between 0 and 0.5")
            if "uncertainty" in found and abs(found["uncertainty"] - doubt) > ROUNDING:
                raise self._wrong(
                    number,
                    f"uncertainty is {doubt:g}, but D = 0.5 - |0.5 - PC| is {found['uncertainty']:.4g} with a PC of "
                    f"{found['pc']:.4g}; correct one of them",
                )
            found.setdefault("uncertainty", doubt)
        if not found:
            raise DataError(f"{self.file}, row 1: no column pc, uncertainty, or n and n_correct; give one of these")
        return found

    def _time(self, number: int, cells: dict[str, str]) -> float:
        if not cells["rt_ms"]:
            return math.nan  # no-go, or no response: there is no time, and none is made up
        value = self._number(number, cells, "rt_ms", "nothing")
        if value < 0:
            raise self._wrong(number, f"rt_ms is {value:g}; give milliseconds from the image's onset, or nothing")
        return value

    def _number(self, number: int, cells: dict[str, str], name: str, otherwise: str = "leave the row out") -> float:
        try:
            value = float(cells[name])
        except ValueError:
            what = repr(cells[name]) if cells[name] else "empty"
            raise self._wrong(number, f"{name} is {what}; give a number") from None
        if not math.isfinite(value):
            raise self._wrong(number, f"{name} is {cells[name]}; give a number, or {otherwise}")
        return value

    def _wrong(self, number: int, what: str) -> DataError:
        return DataError(f"{self._place(number)}: {what}")

    def _place(self, number: int) -> str:
        return f"{self.file}, row {number}"


def uncertainty(pc: float) -> float:
    """Human uncertainty D = 0.5 - |0.5 - PC|: 0 if all agree, 0.5 if they are divided evenly.

    >>> [round(uncertainty(pc), 3) for pc in (1.0, 0.9, 0.5, 0.2, 0.0)]
    [0.0, 0.1, 0.5, 0.2, 0.0]
    """
    return 0.5 - abs(0.5 - pc)


def _groups(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    if len(trials):
        yield from ((str(image), part) for image, part in trials.groupby("image", sort=False))


def _with_times(images: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Each image's mean of correct reaction times, from each of which its person's median was taken."""
    if "rt_ms" not in trials:
        return images
    usable = trials[(trials["answer"] == "correct") & (trials["rt_ms"] >= ANTICIPATION)]
    centred = usable["rt_ms"] - usable.groupby("subject")["rt_ms"].transform("median")
    by_image: Callable[[str], Any] = lambda how: centred.groupby(usable["image"]).agg(how)  # noqa: E731
    return images.assign(
        n_rt=images["image"].map(by_image("size")).fillna(0).astype(int),
        rt_centred_ms=images["image"].map(by_image("mean")),
    )
