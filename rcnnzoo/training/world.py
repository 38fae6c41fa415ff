"""The processes and devices that a network is trained on, by accelerate."""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin, InitProcessGroupKwargs
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from rcnnzoo.devices import best_device, device_name
from rcnnzoo.errors import OptionError, TrainingError
from rcnnzoo.processes import LOST, PATIENCE, count

ENGINES = ("ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP", "ACCELERATE_USE_MEGATRON_LM")
"""Environment variables that would change how accelerate trains."""
DEVICE = "ACCELERATE_TORCH_DEVICE"
"""The variable that sets the device on which accelerate trains; there is no argument for it."""
BROKEN = re.compile(r"gloo|nccl|connection|timed? ?out|peer", re.IGNORECASE)
"""Words of torch's errors about other processes, most of which have no class of their own."""


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

    With several processes each trains on its part of every batch, and gradients are averaged.

    Attributes:
        rank: The number of this process, from 0.
        processes: How many there are.
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
        several, device = count() > 1, best_device()
        begun = distributed.is_initialized()
        # What is given here is not read from the environment, where other work may have left variables. Of several
        # processes on a machine each takes the GPU of its own number.
        with nullcontext() if several else _environment(DEVICE, str(device)), _together():
            self._accelerator = Accelerator(
                mixed_precision="no" if precision == "fp32" else precision,
                gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
                dynamo_backend="inductor" if compiled else "no",
                cpu=several and device.type == "cpu",
                kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
            )
        self.rank: int = self._accelerator.process_index
        self.processes: int = self._accelerator.num_processes
        self.is_first: bool = self._accelerator.is_main_process
        if several and not begun:  # a command may train several networks, and processes meet only once
            atexit.register(distributed.destroy_process_group)
        # Small numbers are exchanged by processors, so that no GPU is waited for.
        self._group: Any = None if self.processes == 1 else distributed.new_group(backend="gloo", timeout=PATIENCE)

    @property
    def device(self) -> torch.device:
        """The device that this process computes on."""
        device: torch.device = self._accelerator.device
        return device

    @property
    def name(self) -> str:
        """The devices in words."""
        return device_name(self.device) + (f" in {self.processes} processes" if self.processes > 1 else "")

    def prepare(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The network and the optimiser as training is to call them."""
        with _together():
            network, prepared = self._accelerator.prepare(model, optimizer)
        return network, prepared

    def autocast(self) -> AbstractContextManager[object]:
        """A context in which networks compute in the run's precision."""
        context: AbstractContextManager[object] = self._accelerator.autocast()
        return context

    def apart(self, network: nn.Module) -> AbstractContextManager[object]:
        """A context in which gradients are added up without being averaged over processes."""
        context: AbstractContextManager[object] = self._accelerator.no_sync(network)
        return context

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of a loss."""
        with _together():
            self._accelerator.backward(loss)

    def clip_gradients(self, model: nn.Module, norm: float) -> None:
        """Scale gradients so that their norm is at most that."""
        self._accelerator.clip_grad_norm_(model.parameters(), norm)

    @property
    def skipped_update(self) -> bool:
        """Whether the last update was skipped, because gradients in fp16 were not finite."""
        skipped: bool = self._accelerator.optimizer_step_was_skipped
        return skipped

    def total(self, values: Tensor) -> Tensor:
        """Numbers added up over all processes; every process must call this, as all that follows."""
        if self.processes == 1:
            return values
        total = values.detach().cpu().clone()
        with _together():
            distributed.all_reduce(total, group=self._group)
        return total.to(values.device)

    def highest(self, number: int) -> int:
        """The highest of a number of each process."""
        if self.processes == 1:
            return number
        most = torch.tensor(number)
        with _together():
            distributed.all_reduce(most, op=distributed.ReduceOp.MAX, group=self._group)
        return int(most)

    def everything(self, own: Any) -> list[Any]:
        """What each process has, in order."""
        if self.processes == 1:
            return [own]
        found: list[Any] = [None] * self.processes
        with _together():
            distributed.all_gather_object(found, own, group=self._group)
        return found

    def share_buffers(self, network: nn.Module) -> None:
        """Give all processes the first one's statistics of batch norm."""
        if self.processes > 1:
            with _together():
                for buffer in network.buffers():
                    distributed.broadcast(buffer, 0)

    def wait(self) -> None:
        """Wait until all processes have come here."""
        self.highest(0)

    def state_dict(self) -> dict[str, Any]:
        """Random numbers of all processes, and the loss scale of fp16."""
        scaler = self._accelerator.scaler
        on_gpu = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        (random, random_cuda), *others = self.everything((torch.get_rng_state(), on_gpu))
        return {
            "scaler": None if scaler is None else scaler.state_dict(),
            "random": random,
            "random_cuda": random_cuda,
            "random_others": others,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Resume from a checkpoint; a process that was not there before keeps its own random numbers."""
        if self._accelerator.scaler is not None:
            self._accelerator.scaler.load_state_dict(saved["scaler"])
        states = [(saved["random"], saved["random_cuda"]), *saved.get("random_others", [])]
        if self.rank < len(states):
            random, random_cuda = states[self.rank]
            torch.set_rng_state(random)
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(random_cuda, self.device)


@contextmanager
def _together() -> Iterator[None]:
    """What all processes do together.

    Raises:
        TrainingError: Another one is gone, or has not answered for long.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, distributed.DistError) or BROKEN.search(str(error)):
            raise TrainingError(f"{LOST}: see what it said, and resume") from error
        raise
