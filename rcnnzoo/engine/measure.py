"""What stopping early saves on this device: time, memory and energy of `decide`, as well as MACs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
from torch import Tensor

from rcnnzoo.devices import PRECISION, seconds
from rcnnzoo.engine.decide import Decisions, decide_while
from rcnnzoo.engine.unrolling import Unrolling
from rcnnzoo.policies.lookup import policy as look_up_policy
from rcnnzoo.profiling.resources import Used, resources
from rcnnzoo.progress import progress

ROUNDS = 3
ALONE = 8
"""Number of images that are decided on one by one, for the latency."""


@dataclass(frozen=True)
class Measurement:
    """Time, memory and energy of deciding.

    Attributes:
        table: One row per threshold, the first of which stops no image early: `threshold, mean_steps, mean_macs,
            latency_ms` (a single image; median), `images_per_second` (median of rounds), `saving` and `macs_saving`
            (how many times quicker and cheaper than the first row), `peak_memory` (bytes), `joules` per image (NaN
            where energy isn't counted).
        agreement: With another precision than fp32, how it compares with fp32 at each threshold: `threshold,
            same_category, same_reaction_time` (shares of images); otherwise None.
    """

    table: pd.DataFrame
    agreement: pd.DataFrame | None


def measure_decisions(
    unrolling: Unrolling,
    images: Tensor,
    names: Sequence[str],
    policy: str,
    thresholds: Sequence[float],
    readout: str,
    precision: str = PRECISION,
    rounds: int = ROUNDS,
) -> Measurement:
    """Time deciding at each threshold and with all steps, in turn, after a round to warm up.

    Args:
        unrolling: The network, on the device to measure, and what it is shown.
        images: [N, 3, H, W] in [-1, 1].
        names: Of each, on which noise and scrambled images depend.
        policy: A registered exit policy.
        thresholds: In the policy's unit.
        readout: A registered readout.
        precision: `fp32`, `bf16` or `fp16`.
        rounds: Number of times that each is timed.

    Raises:
        UnknownName: There is no such policy, readout or precision.
        OptionError: A threshold is outside the policy's bounds.
        PluginError: The policy's scores are not numbers, or have another shape.
    """
    device = next(unrolling.network.parameters()).device
    images = images.to(device)
    never = -math.inf if look_up_policy(policy).direction == "below" else math.inf
    settings = [never, *thresholds]

    def run(threshold: float, rows: slice = slice(None), precision: str = precision) -> Decisions:
        shown, own = images[rows], names[rows]
        return decide_while(unrolling, shown, policy, threshold, readout, precision=precision, names=own)

    took: dict[float, list[float]] = {threshold: [] for threshold in settings}
    alone: dict[float, list[float]] = {threshold: [] for threshold in settings}
    decided: dict[float, Decisions] = {}
    used: dict[float, Used] = {}
    with progress("measuring", len(settings) * (rounds + 2)) as advance:
        for threshold in settings:  # convolutions choose their algorithms here
            decided[threshold] = run(threshold)
            advance(1)
        for _ in range(rounds):
            for threshold in settings:
                with resources(device) as used[threshold]:
                    took[threshold].append(seconds(partial(run, threshold), device))
                advance(1)
        for threshold in settings:
            run(threshold, slice(1))
            for row in range(min(ALONE, len(images))):
                alone[threshold].append(seconds(partial(run, threshold, slice(row, row + 1)), device))
            advance(1)
    table = pd.DataFrame(
        {
            "threshold": threshold,
            "mean_steps": decided[threshold].reaction_time.double().mean().item(),
            "mean_macs": decided[threshold].macs.double().mean().item(),
            "peak_memory": of_last.peak_bytes,
            "joules": math.nan if of_last.joules is None else of_last.joules / len(images),
        }
        for threshold, of_last in used.items()
    )
    table["latency_ms"] = [1000 * statistics.median(alone[threshold]) for threshold in settings]
    table["images_per_second"] = [len(images) / statistics.median(took[threshold]) for threshold in settings]
    table["saving"] = table["images_per_second"] / table["images_per_second"][0]
    table["macs_saving"] = table["mean_macs"][0] / table["mean_macs"]
    agreement = None
    if precision != "fp32":
        pairs = [(decided[threshold], run(threshold, precision="fp32")) for threshold in settings]
        agreement = pd.DataFrame(
            {
                "threshold": settings,
                "same_category": [_share(a.category == b.category) for a, b in pairs],
                "same_reaction_time": [_share(a.reaction_time == b.reaction_time) for a, b in pairs],
            }
        )
    return Measurement(table, agreement)


def _share(same: Tensor) -> float:
    return same.double().mean().item()
