"""Loss and accuracy by step, against loops in plain Python."""

import math

import pytest
import torch

from rcnnzoo.data.batches import Batch
from rcnnzoo.errors import NetworkError
from rcnnzoo.training.metrics import StepMetrics, losses_by_step, measure


def test_cross_entropy_of_every_step():
    logits = torch.tensor([[[0.0, 2.0], [1.0, -1.0]], [[3.0, 0.0], [0.5, 0.5]]])
    labels = torch.tensor([1, 0])
    expected = [
        [math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))],
        [math.log(1 + math.exp(-3)), math.log(2)],
    ]
    torch.testing.assert_close(losses_by_step(logits, labels), torch.tensor(expected))


def test_temporal_difference_targets_by_hand():
    """Three steps, two categories; what a step says, as numbers: 0.5, 0.75, 0.25 for the first category."""
    logits = torch.tensor([[[0.0, 0.0], [math.log(3), 0.0], [0.0, math.log(3)]]], requires_grad=True)
    labels = torch.tensor([0])
    third = 1.0  # taught: the label
    second = 0.5 * 0.25 + 0.5 * third
    first = 0.5 * 0.75 + 0.5 * second
    expected = [
        -(taught * math.log(said) + (1 - taught) * math.log(1 - said))
        for taught, said in ((first, 0.5), (second, 0.75), (third, 0.25))
    ]
    losses = losses_by_step(logits, labels, td_lambda=0.5)
    torch.testing.assert_close(losses, torch.tensor([expected]))
    losses.sum().backward()
    # A step learns from what it says minus what it is taught; what teaches it doesn't learn from this.
    differences = torch.tensor([0.5 - first, 0.75 - second, 0.25 - third])
    torch.testing.assert_close(logits.grad, torch.stack([differences, -differences], dim=1)[None])
    for whole, usual in ((1.0, losses_by_step(logits, labels)), (1 - 1e-7, losses_by_step(logits, labels))):
        torch.testing.assert_close(losses_by_step(logits, labels, td_lambda=whole), usual)
    only_next = losses_by_step(logits, labels, td_lambda=0.0)[0, 1].item()
    assert only_next == pytest.approx(-0.25 * math.log(0.75) - 0.75 * math.log(0.25))


def test_an_answer_that_is_not_finite_is_never_right():
    batch = Batch(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 0]), torch.arange(2))
    for value in (math.nan, math.inf):
        network = torch.nn.Module()
        network.forward = lambda _, value=value: torch.tensor([[[0.0, 1.0]], [[value, 1.0]]])
        metrics = StepMetrics(1, torch.device("cpu"))
        measure(network, [batch], metrics)
        with pytest.raises(NetworkError, match="in evaluation mode: the network's output is not finite"):
            metrics.checked()


def test_means_over_batches_of_different_sizes():
    metrics = StepMetrics(num_steps=2, device=torch.device("cpu"))
    # The second step is wrong by itself in the first image, and right with the first step's confidence.
    first = torch.tensor([[[4.0, 0.0], [0.0, 0.5]]])
    second = torch.tensor([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [3.0, 0.0]]])
    for logits, labels in ((first, torch.tensor([0])), (second, torch.tensor([0, 1]))):
        metrics.add(losses_by_step(logits, labels), logits, labels)
    row = metrics.row("val")
    assert row["val_accuracy_1"] == pytest.approx(2 / 3)
    assert row["val_accuracy_2"] == pytest.approx(1 / 3)
    everything = torch.cat([first, second])
    by_hand = -torch.log_softmax(everything, -1)[torch.arange(3), :, torch.tensor([0, 0, 1])]
    assert row["val_loss_2"] == pytest.approx(by_hand[:, 1].mean().item())
    assert row["val_loss"] == pytest.approx(by_hand.mean().item())
