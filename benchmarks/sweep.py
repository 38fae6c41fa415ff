"""Time and memory of an exact speed-accuracy curve over 50,000 images, 8 steps and 1,000 categories.

The trace, 1.6 GB of noise from which the true category rises step by step, is written by a process of its own into a
temporary folder. Printed are seconds for reading it and nothing else, for opening it (which reads it to compare
checksums), for the curve (which reads it again), and for the curve's bootstrap band; the curve's time as a ratio to
reading; and how far memory rose above what it was when everything was imported.

    python benchmarks/sweep.py [--policy entropy] [--readout cumulative]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import rcnnzoo
from rcnnzoo.analysis.bands import band_of
from rcnnzoo.analysis.intervals import Bootstrap
from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.analysis.sat_curve import curve_of
from rcnnzoo.analysis.traces import in_blocks
from rcnnzoo.recording import storage

STEPS, CATEGORIES, RESAMPLES = 8, 1000, 1000
GIB = 2**20  # in the KiB that Linux counts resident memory in


def write(path: Path, images: int) -> None:
    """A trace whose network is right more often at later steps."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CATEGORIES, images)
    about: dict[str, Any] = dict.fromkeys(storage.ATTRIBUTES, "noise") | {"features": False}
    names, files = [str(i) for i in range(CATEGORIES)], [f"{i:06d}.jpg" for i in range(images)]
    known = {"label": labels, "file": np.array(files), "macs": np.array([2, *[12] * (STEPS - 1)])}
    storage.create(path, storage.IMAGE, STEPS, names, known, [], about)
    group = storage.open_group(path, "r+")
    for start, stop in storage.blocks(group):
        logits = random.standard_normal((stop - start, STEPS, CATEGORIES), dtype=np.float32)
        logits[np.arange(stop - start), :, labels[start:stop]] += np.linspace(2, 6, STEPS, dtype=np.float32)
        storage.write(group, "logits", start, stop, logits)
        storage.write(group, "readable", start, stop, True)
        storage.write(group, "written", start, stop, True)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call takes, and what it gives."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def peak() -> float:
    """The most memory this process has held, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB


def sweep(path: Path, policy: str, readout: str) -> None:
    """Measure one trace."""
    before = peak()
    opening, trace = timed(lambda: rcnnzoo.open_trace(path))
    reading, _ = timed(lambda: sum(float(logits[0, 0, 0]) for logits, _ in in_blocks(trace)))
    sweeping, (outcomes, curve) = timed(lambda: _sweep(trace, policy, readout))
    banding, _ = timed(lambda: band_of(outcomes, Bootstrap(RESAMPLES)))
    rose = peak() - before
    print(f"{' x '.join(map(str, trace['logits'].shape))}, {policy}, {readout}: {len(curve)} distinct outcomes")
    print(f"reading alone {reading:.1f} s, opening with checksums {opening:.1f} s")
    print(f"curve {sweeping:.1f} s, {sweeping / reading:.1f} times reading; with opening {opening + sweeping:.1f} s")
    print(f"band from {RESAMPLES} resamples {banding:.1f} s more")
    print(f"peak memory {rose:.2f} GiB above the start's {before:.2f}")


def _sweep(trace: Any, policy: str, readout: str) -> Any:
    outcomes = find_outcomes(trace, policy, readout)
    return outcomes, curve_of(outcomes)


def main() -> None:
    """Write a trace and sweep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy", default="entropy")
    parser.add_argument("--readout", default="cumulative")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(options.write, options.images)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "noise.zarr")
        command = [sys.executable, __file__, "--images", str(options.images), "--write", str(path)]
        subprocess.run(command, check=True)
        sweep(path, options.policy, options.readout)


if __name__ == "__main__":
    main()
