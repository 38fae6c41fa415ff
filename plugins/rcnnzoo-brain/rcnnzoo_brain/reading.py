"""Dissimilarities of brains or of people's judgements, from the files in which they come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from rcnnzoo.plugin import DataError, reason

Floats = npt.NDArray[np.float64]
LEAST = 4
"""Images, for dissimilarities to be compared: three have only three pairs."""
TOLERANCE = 1e-6
"""By how much a matrix may differ from its mirror image, as a share of its largest number."""


@dataclass(frozen=True)
class Brain:
    """Dissimilarities of the same images in several subjects.

    Attributes:
        file: Where they come from.
        subjects: A name for each.
        sessions: Of each pair of images, [subject, session, time, pair], pairs in the order of SciPy's `pdist`.
        images: The images' names in order; None if the file has none.
        times: Time of each, in the file's unit; None if they are not resolved in time.
    """

    file: str
    subjects: tuple[str, ...]
    sessions: Floats
    images: tuple[str, ...] | None
    times: tuple[float, ...] | None = None

    @property
    def dissimilarities(self) -> Floats:
        """The mean over sessions, [subject, time, pair]."""
        return np.asarray(self.sessions.mean(axis=1))

    @property
    def number(self) -> int:
        """How many images."""
        return number_of_images(self.sessions.shape[-1])


def number_of_images(pairs: int) -> int:
    """The number of images that have that many pairs.

    >>> number_of_images(4186)
    92
    """
    return round((1 + math.sqrt(1 + 8 * pairs)) / 2)


def read_brain(file: Path) -> Brain:
    """Read `.npz`, netCDF (`.nc`) or rsatoolbox's own file (`.hdf5`, `.h5`).

    `.npz` holds `rdm`, matrices [subject, image, image], [subject, session, image, image], or with an array `time`
    [subject, time, image, image]; `image` and `subject` may hold names. netCDF has one variable with dimensions among
    `subject`, `session`, `time` and `pair`, pairs in the order (0, 1), (0, 2), ...; coordinates `first` and `second`,
    or a variable `image`, may name the images.

    Raises:
        DataError: It can't be read, has another layout, or holds what can't be dissimilarities.
    """
    readers = {".npz": _read_npz, ".nc": _read_netcdf, ".hdf5": _read_rsatoolbox, ".h5": _read_rsatoolbox}
    if file.suffix not in readers:
        raise DataError(f"{file}: is none of {', '.join(readers)} (a pickled file is never read: it may run anything)")
    try:
        brain = readers[file.suffix](file)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{file}: can't be read ({error.strerror or reason(error)})") from error
    except Exception as error:  # readers raise anything about what they don't know
        raise DataError(f"{file}: can't be read ({reason(error)})") from error
    return _checked(brain)


def _read_npz(file: Path) -> Brain:
    with np.load(file, allow_pickle=False) as arrays:
        if "rdm" not in arrays:
            raise DataError(f"{file}: has no array rdm, but {', '.join(arrays) or 'none'}")
        matrices = np.asarray(arrays["rdm"], dtype=np.float64)
        named = {name: arrays[name] for name in ("image", "subject", "time") if name in arrays}
    if matrices.ndim not in (3, 4) or matrices.shape[-1] != matrices.shape[-2]:
        shape = list(matrices.shape)
        raise DataError(f"{file}: rdm is {shape}; give [subject, image, image], or with sessions or times second")
    if matrices.ndim == 3:
        matrices = matrices[:, None]
    _check_matrices(matrices, file)
    rows, columns = np.triu_indices(matrices.shape[-1], 1)
    pairs = matrices[..., rows, columns]
    in_time = "time" in named
    images = tuple(map(str, named["image"])) if "image" in named else None
    subjects = tuple(map(str, named.get("subject", range(1, len(pairs) + 1))))
    times = tuple(map(float, named["time"])) if in_time else None
    return Brain(str(file), subjects, pairs[:, None] if in_time else pairs[:, :, None], images, times)


def _check_matrices(matrices: Floats, file: Path) -> None:
    """Refuse matrices that are not symmetric, or whose diagonal isn't zero.

    Raises:
        DataError: One is.
    """
    finite = np.isfinite(matrices)
    if not finite.all():
        place = np.argwhere(~finite)[0] + 1
        where = f"subject {place[0]}, images {place[-2]} and {place[-1]}"
        raise DataError(f"{file}: rdm has a number that is not finite, of {where}")
    scale = np.abs(matrices).max() or 1.0
    apart = np.abs(matrices - matrices.swapaxes(-1, -2)) > TOLERANCE * scale
    if apart.any():
        place = np.argwhere(apart)[0] + 1
        raise DataError(f"{file}: rdm of subject {place[0]} is not symmetric, at images {place[-2]} and {place[-1]}")
    if (np.abs(np.diagonal(matrices, axis1=-2, axis2=-1)) > TOLERANCE * scale).any():
        raise DataError(f"{file}: the diagonal of rdm is not zero: give dissimilarities, not similarities")


def _read_netcdf(file: Path) -> Brain:
    with xr.open_dataset(file) as opened:
        stored = opened.load()
    variables = [values for values in stored.data_vars.values() if "pair" in values.dims]
    if len(variables) != 1:
        raise DataError(f"{file}: has {len(variables)} variables with a dimension pair, one is needed")
    values = variables[0]
    if strange := [str(name) for name in values.dims if name not in ("subject", "session", "time", "pair")]:
        raise DataError(f"{file}: has the dimension {strange[0]}; there may be subject, session, time and pair")
    ordered = values.expand_dims([name for name in ("subject", "session", "time") if name not in values.dims])
    pairs = ordered.transpose("subject", "session", "time", "pair").to_numpy().astype(np.float64)
    images = names_of_pairs(stored) if "first" in stored else None
    if images is None and "image" in stored:
        images = tuple(map(str, stored["image"].to_numpy()))
    subjects = stored["subject"].to_numpy() if "subject" in stored.coords else range(1, len(pairs) + 1)
    times = tuple(map(float, stored["time"].to_numpy())) if "time" in values.dims and "time" in stored.coords else None
    if times is None and "time" in values.dims:
        times = tuple(map(float, range(1, pairs.shape[2] + 1)))
    return Brain(str(file), tuple(map(str, np.atleast_1d(subjects))), pairs, images, times)


def names_of_pairs(stored: xr.Dataset | xr.DataArray) -> tuple[str, ...]:
    """The images, in order, of pairs whose coordinates `first` and `second` name them."""
    first, second = (list(map(str, stored[name].to_numpy())) for name in ("first", "second"))
    return (first[0], *second[: number_of_images(len(first)) - 1]) if first else ()


def _read_rsatoolbox(file: Path) -> Brain:
    from rsatoolbox.rdm import load_rdm  # slow to import

    rdms: Any = load_rdm(str(file), file_type="hdf5")
    pairs = np.asarray(rdms.dissimilarities, dtype=np.float64)
    patterns, about = rdms.pattern_descriptors, rdms.rdm_descriptors
    named = next((patterns[name] for name in ("image", "stimulus", "conds", "name") if name in patterns), None)
    subjects = tuple(map(str, about.get("subject", range(1, len(pairs) + 1))))
    if len(set(subjects)) < len(subjects):
        raise DataError(f"{file}: names a subject more than once: give one matrix for each subject")
    return Brain(str(file), subjects, pairs[:, None, None], None if named is None else tuple(map(str, named)))


def _checked(brain: Brain) -> Brain:
    pairs = brain.sessions.shape[-1]
    if brain.number * (brain.number - 1) // 2 != pairs:
        raise DataError(f"{brain.file}: {pairs} pairs are not those of any number of images")
    if brain.number < LEAST:
        raise DataError(f"{brain.file}: has {brain.number} images; dissimilarities are compared over at least {LEAST}")
    if not np.isfinite(brain.sessions).all():
        place = np.argwhere(~np.isfinite(brain.sessions))[0] + 1
        raise DataError(f"{brain.file}: has a number that is not finite, of subject {place[0]}, pair {place[-1]}")
    flat = np.ptp(brain.sessions, axis=-1) == 0
    if flat.any():
        raise DataError(f"{brain.file}: all dissimilarities of subject {np.argwhere(flat)[0][0] + 1} are the same")
    if brain.images is not None and len(brain.images) != brain.number:
        raise DataError(f"{brain.file}: names {len(brain.images)} images, and has pairs of {brain.number}")
    return brain


def check_images(brain: Brain, images: Sequence[str], where: str) -> None:
    """Refuse activations of other images than a brain's, or of the same in another order.

    Names are compared without folder and suffix; without names in the brain's file, the number is all that is known.

    Raises:
        DataError: They differ.
    """
    if brain.images is None:
        if len(images) != brain.number:
            raise DataError(f"{where}: is of {len(images)} images, and {brain.file} of {brain.number}")
        return
    ours, theirs = [Path(name).stem for name in images], [Path(name).stem for name in brain.images]
    if missing := [name for name in ours if name not in set(theirs)]:
        number = len(missing)
        raise DataError(f"{brain.file}: {number} of the images of {where} are missing in it, for example {missing[0]}")
    if extra := [name for name in theirs if name not in set(ours)]:
        number = len(extra)
        raise DataError(f"{where}: {number} of the images of {brain.file} are missing in it, for example {extra[0]}")
    if ours != theirs:
        place = next(place for place, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
        raise DataError(
            f"{brain.file}: has its images in another order than {where}: image {place + 1} is {theirs[place]}, not "
            f"{ours[place]}; put them in the same order"
        )
