"""How fast `bl` runs all its time steps here, in plain torch, in ours, in ONNX Runtime and in OpenVINO, in one run.

All compute the same images with the same weights, in turn, after a pause in which the threads of the one before come to
rest. ONNX, ONNX Runtime and OpenVINO are installed into a folder of their own, which only this script sees.

    python benchmarks/peers.py
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from bl_speed import Plain, the_same
from early_exit import noise_images, untrained_network

from rcnnzoo.devices import autocast, best_precision, device_name

PACKAGES = ("onnx", "onnxscript", "onnxruntime", "openvino")
PAUSE = 0.5
"""Seconds between two measurements."""
CPU = torch.device("cpu")
Run = Callable[[], torch.Tensor]


def install(folder: Path) -> None:
    """Install the peers into a folder, unless they are there."""
    if not (folder / "openvino").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *PACKAGES]
        subprocess.run(command, check=True)


def torch_runs(
    network: torch.nn.Module, plain: torch.nn.Module, images: torch.Tensor, precisions: Sequence[str]
) -> dict[str, Run]:
    """Ours and the plain network, in float32 or under autocast to bf16."""

    def run(model: torch.nn.Module, precision: str) -> Run:
        def all_steps() -> torch.Tensor:
            with torch.inference_mode(), autocast(CPU, precision):
                logits: torch.Tensor = model(images)
            return logits.float()

        return all_steps

    models = {"plain torch": plain, "ours": network}
    return {f"{name} {precision}": run(model, precision) for precision in precisions for name, model in models.items()}


def peer_runs(
    plain: torch.nn.Module, images: torch.Tensor, threads: int, folder: Path, precisions: Sequence[str]
) -> dict[str, Run]:
    """The plain network's graph in ONNX Runtime and in OpenVINO."""
    onnxruntime, openvino = (importlib.import_module(name) for name in ("onnxruntime", "openvino"))
    file = folder / "bl.onnx"
    torch.onnx.export(plain, (images,), file, dynamo=True, input_names=["images"], output_names=["logits"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    given = images.contiguous().numpy()
    runs: dict[str, Run] = {
        "ONNX Runtime fp32": lambda: torch.from_numpy(session.run(None, {"images": given})[0]),
    }
    core = openvino.Core()
    for precision in precisions:
        hint = {"fp32": "f32"}.get(precision, precision)
        settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        compiled = core.compile_model(str(file), "CPU", settings)
        runs[f"OpenVINO {precision}"] = lambda model=compiled: torch.from_numpy(model([given])[0].copy())  # type: ignore[misc]
    return runs


def measure(options: argparse.Namespace) -> None:
    """Print the time of each, and how far its answers are from those of plain torch in float32."""
    torch.set_num_threads(options.threads)
    precisions = ["fp32"] + ["bf16"] * (options.bf16 or best_precision() == "bf16")
    images = noise_images(options.batch_size, options.image_size)
    network: Any = untrained_network("bl", options.image_size, images, options.width)
    maps = [layer.bottom_up[0].out_channels for layer in network.layers]
    plain = Plain(1000, network.num_steps, maps).eval()
    the_same(network, plain)
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            **torch_runs(network, plain, images.contiguous(memory_format=torch.channels_last), precisions),
            **peer_runs(plain, images, options.threads, Path(folder), precisions),
        }
        logits = {name: run() for name, run in runs.items()}
        took: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                time.sleep(PAUSE)
                run()  # wakes its threads
                started = time.perf_counter()
                run()
                took[name].append((time.perf_counter() - started) / options.batch_size)
    native = "" if best_precision() == "bf16" else "; it has no instructions for bf16"
    print(f"{device_name(CPU)}{native}")
    print(f"batch of {options.batch_size}, {options.image_size} px, {options.rounds} rounds")
    first = next(iter(took))
    for name, each in took.items():
        ratios = sorted(a / b for a, b in zip(took[first], each, strict=True))
        same = (logits[name].argmax(-1) == logits[first].argmax(-1)).double().mean()
        far = (logits[name] - logits[first]).abs().max() / logits[first].abs().max()
        print(
            f"{name:18} {1000 * statistics.median(each):6.0f} ms per image, {statistics.median(ratios):.2f} times as "
            f"fast as {first} ({ratios[0]:.2f} to {ratios[-1]:.2f}); same category {100 * same:.0f} %, logits "
            f"within {far:.1e} of the largest"
        )


def main() -> None:
    """Measure in a process that sees the peers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--peers", type=Path, default=Path("build/peers"), help="folder of the peers")
    parser.add_argument("--bf16", action="store_true", help="measure it where it is emulated as well, which takes long")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options)
        return
    install(options.peers)
    paths = [str(options.peers.resolve()), *filter(None, [os.environ.get("PYTHONPATH")])]
    there = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    subprocess.run([sys.executable, __file__, *sys.argv[1:], "--measure"], env=there, check=True)


if __name__ == "__main__":
    main()
