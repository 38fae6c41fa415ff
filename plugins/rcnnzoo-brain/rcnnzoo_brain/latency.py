"""Times at which images leave networks early, beside the times at which brains solve them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata, spearmanr

from rcnnzoo.plugin import DataError, read_rows
from rcnnzoo_brain.analysis import correlate
from rcnnzoo_brain.inference import flip_signs

Floats = npt.NDArray[np.float64]
FEWEST = 4
"""Images; fewer say nothing about a correlation."""
COLUMNS = ("reaction_time_since_onset", "reaction_time")
"""Of what `rcnnzoo predict` writes, the first that is there."""


@dataclass(frozen=True)
class Latencies:
    """Of images, by subject.

    Attributes:
        file: Where they were read.
        subjects: Their names; a single empty one where the file has none.
        images: Those with a latency of every subject.
        values: [subject, image].
        left_out: Images without one of some subject.
    """

    file: str
    subjects: list[str]
    images: list[str]
    values: Floats
    left_out: list[str]


def read_latencies(file: Path) -> Latencies:
    """From a CSV file: `image`, `latency` (in any unit; empty where there is none), `subject` if there are several.

    Raises:
        DataError: It can't be read, names an image twice, has latencies of fewer than four images, or those of a
            subject are all the same.
    """
    found: dict[str, dict[str, float]] = {}
    for line, row in _rows(file, ("image", "latency")):
        subject = row.get("subject", "")
        if "subject" in row and not subject:
            raise DataError(f"{file}, row {line}: names no subject")
        of_subject, image = found.setdefault(subject, {}), Path(row["image"]).stem
        if image in of_subject:
            whose = f" of subject {subject}" if subject else ""
            raise DataError(f"{file}, row {line}: {image} is there twice{whose}: give one row for each")
        of_subject[image] = _number(row["latency"], file, line, "latency") if row["latency"] else np.nan
    if not found:
        raise DataError(f"{file}: has no rows: give one for each image")
    images = sorted(set().union(*found.values()))
    values = np.array([[of_subject.get(image, np.nan) for image in images] for of_subject in found.values()])
    there = np.isfinite(values).all(axis=0)
    if there.sum() < FEWEST:
        raise DataError(f"{file}: images with a latency of every subject: {there.sum()}; {FEWEST} are the fewest")
    for subject, own in zip(found, values[:, there], strict=True):
        if np.ptp(own) == 0:
            raise DataError(f"{file}: latencies{f' of subject {subject}' if subject else ''} are all the same")
    kept = [image for image, complete in zip(images, there, strict=True) if complete]
    return Latencies(str(file), list(found), kept, values[:, there], [image for image in images if image not in kept])


def read_reaction_times(file: Path, images: Sequence[str]) -> Floats:
    """Of images, from what `rcnnzoo predict` wrote.

    Raises:
        DataError: It can't be read, or an image is missing in it or is there twice.
    """
    times: dict[str, float] = {}
    for line, row in _rows(file, ("image",)):
        column = next((name for name in COLUMNS if name in row), None)
        if column is None:
            raise DataError(f"{file}: has no column reaction_time: name what `rcnnzoo predict --threshold` wrote")
        image = Path(row["image"]).stem
        if image in times and image in images:
            raise DataError(f"{file}, row {line}: {image} is there twice: give one row for each image")
        times[image] = _number(row[column], file, line, column)
    if missing := [image for image in images if image not in times]:
        raise DataError(f"{file}: {len(missing)} of {len(images)} images are missing in it, for example {missing[0]}")
    return np.array([times[image] for image in images])


def latency_table(times: Mapping[str, Floats], latencies: Latencies, flips: int, seed: int) -> pd.DataFrame:
    """Spearman's correlation of each network's reaction times with the latencies.

    Args:
        times: Of each network, [image].
        latencies: Of the same images.
        flips: Patterns of signs in the test over subjects, where there are too many to try all.
        seed: Random seed of these.

    Returns:
        One row per network: `network, images, correlation` (mean over subjects), `p` and `p_corrected` (subjects as the
        random factor, one-sided, corrected over networks; NaN with one), `p_images` (images as the random factor,
        two-sided, of the correlation with the mean of the subjects), `ceiling_low, ceiling_high`. Correlation and p are
        NaN where a network's times are all the same.
    """
    brain = latencies.values[:, None]
    found = correlate(np.array(list(times.values())), brain)[:, :, 0]
    p, corrected = flip_signs(found, flips, seed)
    low, high = _ceiling(latencies.values)
    mean = latencies.values.mean(axis=0)
    return pd.DataFrame(
        {
            "network": list(times),
            "images": len(latencies.images),
            "correlation": found.mean(axis=0),
            "p": p,
            "p_corrected": corrected,
            "p_images": [
                spearmanr(one, mean).pvalue if np.ptp(one) and np.ptp(mean) else np.nan for one in times.values()
            ],
            "ceiling_low": low,
            "ceiling_high": high,
        }
    )


def _ceiling(values: Floats) -> tuple[float, float]:
    """Lower and upper: the mean correlation of subjects with the mean ranks of the others, and of all; NaN with one."""
    if len(values) < 2:
        return np.nan, np.nan
    ranks = rankdata(values, axis=1)
    others = (ranks.sum(axis=0) - ranks) / (len(ranks) - 1)
    low = [spearmanr(one, rest).statistic for one, rest in zip(values, others, strict=True)]
    high = [spearmanr(one, ranks.mean(axis=0)).statistic for one in values]
    return float(np.mean(low)), float(np.mean(high))


def _rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV file with these columns, each of which names an image."""
    for line, row in read_rows(file, "a row for each image"):
        if missing := [name for name in columns if name not in row]:
            raise DataError(f"{file}: has no column {missing[0]}; its columns are {', '.join(row)}")
        if not row["image"]:
            raise DataError(f"{file}, row {line}: names no image")
        yield line, row


def _number(text: str, file: Path, line: int, column: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise DataError(f"{file}, row {line}: {column} {text!r} is not a number")
    return number
