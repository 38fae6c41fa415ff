"""How many images a network can learn from at once before memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from rcnnzoo.architectures.card import card_of
from rcnnzoo.errors import TrainingError
from rcnnzoo.training.metrics import losses_by_step
from rcnnzoo.training.state import TrainingState
from rcnnzoo.training.synchronised import alone

ADVICE = "work through fewer images at once (`micro_batch`), or keep less of each time step (`checkpoint_activations`)"


@contextmanager
def naming_memory() -> Iterator[None]:
    """While it lasts, the errors of devices whose memory runs out are reported with what to do.

    Raises:
        TrainingError: In place of these.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        raise TrainingError(f"memory ran out: {ADVICE}") from error


def most_at_once(state: TrainingState, label_smoothing: float) -> int:
    """Images from which each process can learn at once: a process's share of a batch, halved until all succeed.

    A network learns from blank images; it is afterwards as it was before.

    Raises:
        TrainingError: Memory runs out with a single image.
    """
    images = state.share
    while state.world.highest(int(not _fits(state, images, label_smoothing))):
        if images == 1:
            raise TrainingError("memory runs out with a single image: `checkpoint_activations` needs less")
        images = -(-images // 2)
    return images


def _fits(state: TrainingState, images: int, label_smoothing: float) -> bool:
    """Whether this process can learn from that many images, beside what its optimiser will keep."""
    model, device = state.model, state.world.device
    kept = [buffer.clone() for buffer in model.buffers()]
    side = card_of(model).image_size
    was_training = model.training
    try:
        # Adam and its relatives keep two numbers for each weight, and only from the first update on.
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        moments = [torch.zeros_like(weight) for weight in (*weights, *weights)]
        with torch.random.fork_rng([device] if device.type == "cuda" else []), state.world.autocast(), alone():
            logits = model.train()(torch.zeros(images, 3, side, side, device=device))
            labels = torch.zeros(images, dtype=torch.long, device=device)
            losses_by_step(logits, labels, label_smoothing).mean().backward()
        del moments
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        return False
    finally:
        model.zero_grad()
        model.train(was_training)
        for buffer, before in zip(model.buffers(), kept, strict=True):
            buffer.copy_(before)
        clear_device_cache()
    return True


def ran_out(error: Exception) -> bool:
    """Whether an error means that a device has no memory left."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or should_reduce_batch_size(error)
