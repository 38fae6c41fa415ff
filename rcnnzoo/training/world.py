"""The processes and devices that a network is trained on, by accelerate: one process for now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin
from torch import Tensor, nn
from torch.optim import Optimizer

from rcnnzoo.devices import best_device
from rcnnzoo.errors import OptionError, TrainingError

ENGINES = ("ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP", "ACCELERATE_USE_MEGATRON_LM")
"""Environment variables that would change how accelerate trains."""
DEVICE = "ACCELERATE_TORCH_DEVICE"
"""The variable that sets the device on which accelerate trains; there is no argument for it."""


@contextmanager
def deterministic(asked: bool) -> Iterator[None]:
    """While it lasts, torch uses only deterministic algorithms, if that was asked for; then the setting is restored."""
    before = torch.are_deterministic_algorithms_enabled()
    if asked:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # CUDA's matrix products need it
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """While it lasts, a variable has a value; then it is restored."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class World:
    """Where a run computes, in which precision, and which process reports on it.

    Attributes:
        is_first: Whether this process writes the files and reports to the user.
    """

    def __init__(self, precision: str, *, compiled: bool) -> None:
        if precision == "fp16" and best_device().type == "cpu":
            raise OptionError("`precision` fp16: training in fp16 needs a GPU: take bf16 or fp32")
        for name in ENGINES:
            if os.environ.get(name, "").lower() in ("1", "true", "yes", "on"):
                raise TrainingError(f"{name} is set, and rcnnzoo trains without that engine: unset it")
        # accelerate keeps one state per process and refuses another precision, so each run resets it.
        AcceleratorState._reset_state(reset_partial_state=True)
        # What is given here is not read from the environment, where other work may have left variables.
        with _environment(DEVICE, str(best_device())):
            self._accelerator = Accelerator(
                mixed_precision="no" if precision == "fp32" else precision,
                gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
                dynamo_backend="inductor" if compiled else "no",
            )
        if self._accelerator.num_processes > 1:
            raise TrainingError(
                f"{self._accelerator.num_processes} processes: a run uses one process, on one device; start it "
                "without a launcher"
            )
        self.is_first: bool = self._accelerator.is_main_process

    @property
    def device(self) -> torch.device:
        """The device that this process computes on."""
        device: torch.device = self._accelerator.device
        return device

    def prepare(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The network and the optimiser as training is to call them."""
        network, prepared = self._accelerator.prepare(model, optimizer)
        return network, prepared

    def autocast(self) -> AbstractContextManager[object]:
        """A context in which networks compute in the run's precision."""
        context: AbstractContextManager[object] = self._accelerator.autocast()
        return context

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of a loss."""
        self._accelerator.backward(loss)

    def clip_gradients(self, model: nn.Module, norm: float) -> None:
        """Scale gradients so that their norm is at most that."""
        self._accelerator.clip_grad_norm_(model.parameters(), norm)

    @property
    def skipped_update(self) -> bool:
        """Whether the last update was skipped, because gradients in fp16 were not finite."""
        skipped: bool = self._accelerator.optimizer_step_was_skipped
        return skipped

    def state_dict(self) -> dict[str, Any]:
        """Random numbers, and the loss scale of fp16."""
        scaler = self._accelerator.scaler
        return {
            "scaler": None if scaler is None else scaler.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Resume from a checkpoint."""
        if self._accelerator.scaler is not None:
            self._accelerator.scaler.load_state_dict(saved["scaler"])
        torch.set_rng_state(saved["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(saved["random_cuda"], self.device)
