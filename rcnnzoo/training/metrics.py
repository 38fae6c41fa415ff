"""Loss and accuracy by time step, summed over batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from rcnnzoo.data.batches import Batch
from rcnnzoo.data.transforms import to_input
from rcnnzoo.errors import NetworkError
from rcnnzoo.readouts.best import first_best
from rcnnzoo.readouts.cumulative import cumulative


class StepMetrics:
    """Sums over images of each step's loss, and of right answers of the cumulative readout (the paper's)."""

    def __init__(self, num_steps: int, device: torch.device) -> None:
        dtype = torch.float32 if device.type == "mps" else torch.float64  # Apple's GPUs have no float64
        self.loss = torch.zeros(num_steps, dtype=dtype, device=device)
        self.right = torch.zeros(num_steps, dtype=dtype, device=device)
        self.images = 0

    def add(self, losses: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: losses [B, T], logits [B, T, C], labels [B]. Nothing waits for the device here."""
        self.loss += losses.detach().sum(dim=0)
        answers = first_best(cumulative(logits.detach()))
        self.right += (answers == labels[:, None]).sum(dim=0)
        self.images += len(labels)

    def row(self, prefix: str) -> dict[str, float]:
        """Mean loss, and loss and accuracy of each step (from 1), for a table: `train_loss_1`, ..."""
        losses = (self.loss / self.images).tolist()
        accuracies = (self.right / self.images).tolist()
        return {
            f"{prefix}_loss": sum(losses) / len(losses),
            **{f"{prefix}_loss_{step}": loss for step, loss in enumerate(losses, 1)},
            **{f"{prefix}_accuracy_{step}": accuracy for step, accuracy in enumerate(accuracies, 1)},
        }

    def over(self, total: Callable[[Tensor], Tensor]) -> StepMetrics:
        """The same over all processes, given what adds up their numbers."""
        whole = StepMetrics(len(self.loss), self.loss.device)
        sums = total(torch.cat([self.loss, self.right, self.loss.new_tensor([self.images])]))
        whole.loss, whole.right, images = sums.split([len(self.loss), len(self.loss), 1])
        whole.images = int(images)
        return whole

    def checked(self) -> StepMetrics:
        """These, of a network in evaluation mode.

        Raises:
            NetworkError: Its logits are not finite.
        """
        if not self.loss.isfinite().all():
            raise NetworkError("in evaluation mode")
        return self

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint in the middle of an epoch."""
        return {"loss": self.loss.cpu(), "right": self.right.cpu(), "images": self.images}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Resume from a checkpoint."""
        self.loss.copy_(saved["loss"])
        self.right.copy_(saved["right"])
        self.images = saved["images"]


def losses_by_step(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0, td_lambda: float = 1.0) -> Tensor:
    """Cross-entropy of each image at each step's own readout: logits [B, T, C], labels [B] -> [B, T].

    With `td_lambda` below 1 a step is taught less by the label and more by what later steps say: the loss TD(lambda) of
    Iuzzolino, Mozer & Bengio (2021, arXiv 2102.09808).
    """
    batch, steps, _ = logits.shape
    truth = labels.repeat_interleave(steps)
    if td_lambda < 1:
        truth = _targets(logits.detach().float(), labels, td_lambda).flatten(0, 1)
    flat = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), truth, reduction="none", label_smoothing=label_smoothing
    )
    return flat.view(batch, steps)


def _targets(logits: Tensor, labels: Tensor, td_lambda: float) -> Tensor:
    """What each step is taught, [B, T, C]: the last the label; the others what the next says and is taught, mixed."""
    says = logits.softmax(dim=-1)
    taught = [torch.nn.functional.one_hot(labels, logits.shape[-1]).to(says.dtype)]
    for following in reversed(says.unbind(dim=1)[1:]):
        taught.append((1 - td_lambda) * following + td_lambda * taught[-1])
    return torch.stack(taught[::-1], dim=1)


@torch.inference_mode()
def measure(network: Callable[[Tensor], Tensor], batches: Iterable[Batch], metrics: StepMetrics) -> None:
    """Count loss and accuracy of a network in evaluation mode over batches."""
    device = metrics.loss.device
    for batch in batches:
        images = to_input(batch.images.to(device, non_blocking=True))
        labels = batch.labels.to(device, non_blocking=True)
        logits = network(images).float()
        metrics.add(losses_by_step(logits, labels), logits, labels)
