"""Times at which images leave networks early, beside the times at which brains solve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata, spearmanr

from rcnnzoo.plugin import DataError
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
        DataError: It can't be read, names an image twice, or has latencies of fewer than four images.
    """
    table = _read(file, ("image", "latency"), text=("image", "subject"))
    if "subject" not in table:
        table = table.assign(subject="")
    table = table.assign(image=[Path(name).stem for name in table["image"]])
    if twice := table[table.duplicated(["image", "subject"])].to_dict("records"):
        raise DataError(f"{file}: {twice[0]['image']} is there twice{_of(twice[0]['subject'])}: give one row for each")
    latencies = pd.to_numeric(table["latency"], errors="coerce")
    senseless = table["latency"].notna() & ~np.isfinite(latencies)
    if senseless.any():
        raise DataError(f"{file}: latency {table['latency'][senseless].iloc[0]!r} is not a number")
    wide = table.assign(latency=latencies).pivot(index="image", columns="subject", values="latency")
    there = wide.notna().all(axis=1)
    if there.sum() < FEWEST:
        raise DataError(f"{file}: {there.sum()} images have a latency of every subject; {FEWEST} are the fewest")
    kept = wide[there]
    return Latencies(
        str(file),
        [str(name) for name in wide.columns],
        [str(name) for name in kept.index],
        kept.to_numpy(dtype=float).T,
        [str(name) for name in wide.index[~there]],
    )


def read_reaction_times(file: Path, images: Sequence[str]) -> Floats:
    """Of images, from what `rcnnzoo predict` wrote.

    Raises:
        DataError: It can't be read, or an image is missing in it or is there twice.
    """
    table = _read(file, ("image",), text=("image",))
    column = next((name for name in COLUMNS if name in table), None)
    if column is None:
        raise DataError(f"{file}: has no column reaction_time: name what `rcnnzoo predict --threshold` wrote")
    times = pd.to_numeric(table[column], errors="coerce").set_axis([Path(name).stem for name in table["image"]])
    if missing := [name for name in images if name not in times.index]:
        raise DataError(f"{file}: {len(missing)} of {len(images)} images are missing in it, for example {missing[0]}")
    found = times[times.index.isin(images)]
    if found.index.has_duplicates:
        raise DataError(
            f"{file}: {found.index[found.index.duplicated()][0]} is there twice: give one row for each image"
        )
    if not np.isfinite(found).all():
        raise DataError(f"{file}: {column} of {found.index[~np.isfinite(found)][0]} is not a number")
    return found.loc[list(images)].to_numpy(dtype=float)


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
            "p_images": [spearmanr(one, mean).pvalue if np.ptp(one) else np.nan for one in times.values()],
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


def _read(file: Path, columns: Sequence[str], text: Sequence[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype=dict.fromkeys(text, "string"), encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise DataError(f"{file}: can't be read ({error})") from error
    if missing := [name for name in columns if name not in table]:
        raise DataError(f"{file}: has no column {missing[0]}; its columns are {', '.join(map(str, table.columns))}")
    if table["image"].isna().any():
        raise DataError(f"{file}: a row names no image")
    return table


def _of(subject: str) -> str:
    return f" of subject {subject}" if subject else ""
