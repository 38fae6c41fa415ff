"""Networks as files that run without rcnnzoo: ONNX, all steps at once or step by step, and torch's own programs."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rcnnzoo.architectures.card import card_of, name_of
from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.architectures.freezing import evaluating
from rcnnzoo.errors import ExportError, NetworkError, OptionError, UnknownName, reason
from rcnnzoo.weights.files import weights_hash
from rcnnzoo.writing import atomic_write, naming_the_file, new_folder

OPSET = 18
"""ONNX operators of that version or later are asked for."""
CLOSE = 1e-4
"""Logits of the file may differ from the network's by this share of the largest, or by this much if none is above 1."""
LARGEST = 1_500_000_000
"""Bytes of weights that fit into one file of ONNX as torch writes it."""
ROWS = (2, 3)
"""Images that a network is exported and then checked with."""
STEPS = "steps.json"
"""What a caller of the steps needs to know."""
NEEDED = "ONNX needs the packages onnx, onnxscript and onnxruntime: pip install 'rcnnzoo[export]'"


@dataclass
class Exported:
    """Files that were written and checked.

    Attributes:
        files: All of them.
        difference: The largest of the files' logits from the network's.
        opset: Version of ONNX's operators; None in other formats.
    """

    files: list[Path] = field(default_factory=list)
    difference: float = 0.0
    opset: int | None = None


def export_network(network: RecurrentModel, form: str, out: Path) -> Exported:
    """Write a network as a file, or a folder of files, that gives the same logits within `CLOSE`.

    Args:
        network: On the processor.
        form: One of `FORMATS`.
        out: A file; for `onnx-steps` a folder that is not there yet.

    Raises:
        UnknownName: There is no such format.
        FileExistsError: The folder is there.
        OptionError: A package is missing, the path doesn't suit the format, or the network can't be exported.
        NetworkError: The network's logits are not finite.
        ExportError: The file gives other logits than the network.
    """
    if form not in FORMATS:
        raise UnknownName("format", form, FORMATS, "`format`")
    with evaluating(network), torch.no_grad(), _quietly():
        return FORMATS[form](network, out)


class _AllSteps(nn.Module):
    def __init__(self, network: RecurrentModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        return logits


class _Begin(_AllSteps):
    def forward(self, images: Tensor) -> State:  # type: ignore[override]
        return self.network.begin(images)


class _Step(_AllSteps):
    """One step; where rows mix steps, later ones are told which they are."""

    def __init__(self, network: RecurrentModel, t: int | None) -> None:
        super().__init__(network)
        self.t = t

    def forward(self, *given: Tensor) -> State:  # type: ignore[override]
        t, state = (given[0], given[1:]) if self.t is None else (self.t, given)
        after, logits = self.network.step(tuple(state), t)
        return logits, *after


def _torch(network: RecurrentModel, out: Path) -> Exported:
    """A program of `torch.export`, which `torch.export.load(file).module()` runs."""
    _check_name(out, ".pt2")
    images, others = (_images(network, rows) for rows in ROWS)
    with _naming(network, "torch"):
        program = torch.export.export(_AllSteps(network), (images,), dynamic_shapes={"images": {0: _batch()}})
    with atomic_write(out) as part:
        torch.export.save(program, part)
        found = torch.export.load(part).module()(others)
        difference = _checked(network, found.numpy(), network(others))
    return Exported([out], difference)


def _onnx(network: RecurrentModel, out: Path) -> Exported:
    """`images` [B, 3, H, W] -> `logits` [B, T, C]."""
    _check_name(out, ".onnx")
    images, others = (_images(network, rows) for rows in ROWS)
    with atomic_write(out) as part:
        opset = _write_onnx(network, _AllSteps(network), {"images": images}, ["logits"], part)
        (found,) = _run(part, {"images": others})
        difference = _checked(network, found, network(others))
    return Exported([out], difference, opset)


def _onnx_steps(network: RecurrentModel, out: Path) -> Exported:
    """`begin.onnx`, `step1.onnx`, and one file for all later steps or, where these can't be mixed, for each."""
    with new_folder(out) as part:
        exported = _write_steps(network, part)
    exported.files = [out / file.name for file in exported.files]
    return exported


def _write_steps(network: RecurrentModel, folder: Path) -> Exported:
    images, others = (_images(network, rows) for rows in ROWS)
    exported = Exported()
    state, state_of_others = network.begin(images), network.begin(others)

    def write(name: str, module: nn.Module, given: dict[str, Tensor], outputs: list[str]) -> Path:
        file = folder / name
        exported.opset = _write_onnx(network, module, given, outputs, file)
        exported.files.append(file)
        return file

    begin = write("begin.onnx", _Begin(network), {"images": images}, _names("state", state))
    found = _run(begin, {"images": others})
    files = {}
    for t in range(network.num_steps):
        later = network.rows_mix_steps and t > 0
        after, _ = network.step(state, t)
        own = _names("state", state)
        outputs = ["logits", *_names("next", after)]
        if t == 1 or not later:
            number = {"t": torch.full((len(images),), t)} if later else {}
            name = "later.onnx" if later else f"step{t + 1}.onnx"
            given = {**number, **dict(zip(own, state, strict=True))}
            file = write(name, _Step(network, None if later else t), given, outputs)
        files[t + 1] = file.name
        told = {"t": torch.full((len(others),), t)} if later else {}
        logits, *found = _run(file, {**told, **dict(zip(own, map(torch.from_numpy, found), strict=True))})
        state_of_others, expected = network.step(state_of_others, t)
        exported.difference = max(exported.difference, _checked(network, logits, expected))
        state = after
    about = {
        **_about(network),
        "steps": network.num_steps,
        "begin": begin.name,
        "step": files,
        "t": "a step's file may have an input `t` [B]: the number of each row's step, from 0",
    }
    (folder / STEPS).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    exported.files.append(folder / STEPS)
    return exported


def _write_onnx(
    network: RecurrentModel, module: nn.Module, given: dict[str, Tensor], outputs: list[str], file: Path
) -> int:
    """Export a module; the version of ONNX's operators."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise OptionError(NEEDED) from error
    batch = {0: _batch()}
    shapes = {"given": tuple(batch for _ in given)} if isinstance(module, _Step) else {"images": batch}
    with _naming(network, "onnx"):
        program = torch.onnx.export(
            module.eval(),
            tuple(given.values()),
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=list(given),
            output_names=outputs,
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update({name: json.dumps(value) for name, value in _about(network).items()})
    size = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    if size > LARGEST:  # its weights would be a second file
        raise OptionError(f"`format` onnx: {name_of(network)} has {size / 1e9:.1f} GB of weights: take torch")
    program.save(file)
    version = program.model.opset_imports.get("")
    return OPSET if version is None else int(version)


def _run(file: Path, given: dict[str, Tensor]) -> list[Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, {name: tensor.numpy() for name, tensor in given.items()})
    return found


def _checked(network: RecurrentModel, found: Any, expected: Tensor) -> float:
    """How far logits are from the network's.

    Raises:
        NetworkError: Its own are not finite.
        ExportError: Too far.
    """
    if not expected.isfinite().all():
        raise NetworkError(name_of(network))
    wanted = expected.numpy()
    difference = float(np.abs(found - wanted).max())
    if not difference <= CLOSE * max(1.0, float(np.abs(wanted).max())):
        raise ExportError(
            f"{name_of(network)}: the exported file's logits differ from the network's by {difference:.2g}"
        )
    return difference


def _check_name(out: Path, suffix: str) -> None:
    if out.suffix != suffix:
        raise OptionError(f"`out` {out}: the file's name must end in {suffix}")
    if out.is_dir():
        raise OptionError(f"`out` {out}: is a folder: name a file")
    with naming_the_file(out):
        out.parent.mkdir(parents=True, exist_ok=True)


def _about(network: RecurrentModel) -> dict[str, Any]:
    """What a user of the file needs besides it."""
    card = card_of(network)
    return {
        "architecture": card.architecture,
        "categories": list(card.categories),
        "preprocessing": card.preprocessing,
        "weights_sha256": weights_hash(network),
    }


def _images(network: RecurrentModel, rows: int) -> Tensor:
    size = card_of(network).image_size
    return torch.rand(rows, 3, size, size, generator=torch.Generator().manual_seed(rows)) * 2 - 1


def _batch() -> torch.export.Dim:
    return torch.export.Dim("batch")


def _names(what: str, tensors: Sequence[Tensor]) -> list[str]:
    return [f"{what}{number}" for number in range(len(tensors))]


@contextmanager
def _naming(network: RecurrentModel, form: str) -> Iterator[None]:
    """Torch's reasons, which are paragraphs, in a line."""
    try:
        yield
    except Exception as error:  # it has many errors for what it can't follow
        cause = reason(error.__cause__ or error)
        raise OptionError(f"`format` {form}: torch can't export {name_of(network)} ({cause})") from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what exporters say about versions of operators."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


FORMATS: dict[str, Callable[[RecurrentModel, Path], Exported]] = {
    "onnx": _onnx,
    "onnx-steps": _onnx_steps,
    "torch": _torch,
}
"""What writes each format."""
