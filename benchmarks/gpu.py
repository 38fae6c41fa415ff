"""Every claim that needs a GPU, in one run: training speed and memory, early exit, equality with the processor, counts.

    make gpu

Each ratio is of things that were measured in turn in this run, on untrained networks and noise; nothing is fetched. On
a processor it runs as well, which only shows that the script works.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from bl_speed import Plain, the_same
from early_exit import noise_images, threshold_for, untrained_network
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode
from training_memory import WAYS
from training_memory import measure as measure_memory

import rcnnzoo
from rcnnzoo.architectures.convolution import set_algorithm
from rcnnzoo.cli.tables import show_table
from rcnnzoo.devices import autocast, best_device, best_precision, device_name, seconds
from rcnnzoo.profiling.operations import macs_per_step

CATEGORIES = 1000
STOPS = (0.3, 0.5, 0.8)
"""Share of the time steps that images take on average, for three thresholds."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Variant:
    """One way to train."""

    name: str
    plain: bool = False
    precision: str = "fp32"
    channels_last: bool = False
    compiled: bool = False
    fused: bool = False

    def update(self, options: Namespace, device: torch.device) -> Callable[[], None]:
        """A function that learns from one batch."""
        torch.manual_seed(0)
        network: nn.Module = rcnnzoo.build(
            options.network, categories=CATEGORIES, image_size=options.image_size, width=options.width
        )
        set_algorithm(network, "direct")
        if self.plain:
            network = plain_twin(network)
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        network.to(device).to(memory_format=layout).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=self.fused or None)
        called = torch.compile(network) if self.compiled else network
        size = options.image_size
        images = torch.rand(options.batch_size, 3, size, size, device=device).contiguous(memory_format=layout)
        labels = torch.randint(CATEGORIES, (options.batch_size,), device=device)

        def update() -> None:
            with autocast(device, self.precision):
                logits = called(images)
            steps = logits.shape[1]
            loss = cross_entropy(logits.float().flatten(0, 1), labels.repeat_interleave(steps))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        return update


def variants(low: str, compiled: bool) -> Iterator[Variant]:
    """A plain loop, ours, and ours with each means apart and with all of them."""
    yield Variant("plain torch", plain=True)
    yield Variant(f"plain torch, {low}", plain=True, precision=low)
    yield Variant("ours")
    yield Variant(f"ours, {low}", precision=low)
    yield Variant("ours, channels last", channels_last=True)
    yield Variant("ours, fused AdamW", fused=True)
    if compiled:
        yield Variant("ours, compiled", compiled=True)
    yield Variant(f"ours, {low}, channels last, fused", precision=low, channels_last=True, fused=True)
    if compiled:
        yield Variant(f"ours, {low}, channels last, fused, compiled", False, low, True, True, True)


def plain_twin(network: nn.Module) -> nn.Module:
    """The network in its simplest form, with the same weights."""
    maps = [int(layer.bottom_up[0].out_channels) for layer in network.layers]  # type: ignore[union-attr]
    plain = Plain(CATEGORIES, int(network.num_steps), maps)  # type: ignore[arg-type]
    the_same(network, plain)
    return plain


def training(options: Namespace, device: torch.device, low: str) -> Rows:
    """Images a second of each variant, and as a multiple of the plain loop's."""
    rows, updates = [], {}
    for variant in variants(low, options.compile):
        updates[variant] = variant.update(options, device)
        first = seconds(updates[variant], device)
        seconds(updates[variant], device)
        rows.append({"training": variant.name, "first update, s": first})
    took: dict[Variant, list[float]] = {variant: [] for variant in updates}
    for _ in range(options.rounds):
        for variant, update in updates.items():
            took[variant].append(seconds(update, device))
    plain = next(iter(took.values()))
    for row, each in zip(rows, took.values(), strict=True):
        row["images/s"] = options.batch_size / statistics.median(each)
        row["times plain"] = statistics.median(a / b for a, b in zip(plain, each, strict=True))
    return rows


def memory(options: Namespace, low: str) -> Rows:
    """Peak memory and time of a training step, with and without `--checkpoint-activations`."""
    how = Namespace(network=options.network, image_size=options.image_size, precision=low, rounds=options.rounds)
    how.batch, how.width = options.batch_size, options.width
    found = {way: measure_memory(way, how) for way in WAYS}
    return [
        {
            "memory": way,
            "GiB": one["bytes"] / 2**30,
            "of plain": one["bytes"] / max(1, found["plain"]["bytes"]),
            "time, of plain": one["seconds"] / found["plain"]["seconds"],
        }
        for way, one in found.items()
    ]


def early_exit(options: Namespace, device: torch.device) -> Rows:
    """How much faster images are decided on than all steps take, and what multiply-accumulates promise."""
    images = noise_images(options.images, options.image_size).to(device)
    network = untrained_network(options.network, options.image_size, images, options.width)
    steps = network.num_steps
    macs = sum(macs_per_step(network))
    rows = []
    for share in STOPS:
        threshold = threshold_for(network, images, 1 + share * (steps - 1))

        def everything() -> object:
            return [network(batch) for batch in images.split(options.batch_size)]

        def decide(threshold: float = threshold) -> Any:
            return rcnnzoo.decide(network, images, "entropy", threshold)

        with torch.inference_mode():
            everything(), decide()
            ratios = [seconds(everything, device) / seconds(decide, device) for _ in range(options.rounds)]
        decisions = decide()
        rows.append(
            {
                "early exit at": threshold,
                "mean steps": float(decisions.reaction_time.double().mean()),
                "faster, times": statistics.median(ratios),
                "fewer MACs, times": macs / float(decisions.macs.double().mean()),
            }
        )
    return rows


def equality(options: Namespace, device: torch.device) -> Rows:
    """How far logits and decisions are from those of the processor, in fp32 with and without TF32."""
    images = noise_images(min(32, options.images), options.image_size)
    here = untrained_network(options.network, options.image_size, images, options.width)
    with torch.no_grad():
        expected = here(images)
    threshold = threshold_for(here, images, here.num_steps / 2)
    decided = rcnnzoo.decide(here, images, "entropy", threshold)
    there = copy.deepcopy(here).to(device)
    rows, usual = [], (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
    for rounded in (False, True):
        torch.backends.cudnn.allow_tf32 = rounded
        torch.backends.cuda.matmul.allow_tf32 = rounded
        with torch.no_grad():
            found = there(images.to(device)).cpu()
        again = rcnnzoo.decide(there, images.to(device), "entropy", threshold)
        rows.append(
            {
                "equality": "fp32 with TF32" if rounded else "fp32",
                "largest difference of a logit": float((found - expected).abs().max()),
                "largest logit": float(expected.abs().max()),
                "same category, %": _percent(found.argmax(-1) == expected.argmax(-1)),
                "same reaction time, %": _percent(again.reaction_time.cpu() == decided.reaction_time.cpu()),
            }
        )
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = usual
    return rows


def _percent(same: torch.Tensor) -> float:
    return 100 * float(same.double().mean())


def counts(options: Namespace, device: torch.device) -> Rows:
    """Multiply-accumulates by ptflops, and by torch's own counter of the operations that a pass really calls."""
    network = rcnnzoo.build(options.network, categories=CATEGORIES, image_size=options.image_size, width=options.width)
    set_algorithm(network, "direct")
    network.eval().to(device)
    images = torch.zeros(1, 3, options.image_size, options.image_size, device=device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(images)
    found = {"ptflops": sum(macs_per_step(network)), "torch's counter": counter.get_total_flops() // 2}
    return [{"MACs per image": name, "number": number} for name, number in found.items()]


def main() -> None:
    """Print a table for each claim, and write all of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="bl")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--images", type=int, default=256, help="for early exit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    options = parser.parse_args()
    started, device = time.monotonic(), best_device()
    low = best_precision() if device.type != "cpu" else "bf16"
    report: dict[str, Any] = {
        "device": device_name(device),
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "options": {name: str(value) for name, value in vars(options).items()},
    }
    parts: dict[str, Callable[[], Rows]] = {
        "counts": lambda: counts(options, device),
        "equality": lambda: equality(options, device),
        "memory": lambda: memory(options, low),
        "early_exit": lambda: early_exit(options, device),
        "training": lambda: training(options, device, low),
    }
    for name, measure in parts.items():
        before = time.monotonic()
        try:
            rows = measure()
        except Exception as error:  # one claim that can't be measured doesn't cost the others
            rows = [{name: "not measured", "why": f"{type(error).__name__}: {error}"}]
        report[name] = {"rows": rows, "seconds": time.monotonic() - before}
        show_table([{key: _cell(value) for key, value in row.items()} for row in rows], title=name)
        report["seconds"] = time.monotonic() - started
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{options.out}: {report['seconds']:.0f} s on {report['device']}")
    if any("why" in row for part in parts for row in report[part]["rows"]):
        sys.exit(1)


def _cell(value: object) -> object:
    return f"{value:.3g}" if isinstance(value, float) else value


if __name__ == "__main__":
    main()
