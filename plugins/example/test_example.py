"""What a user relies on; rcnnzoo's own checks first. Install the package first: python -m pip install --editable ."""

from __future__ import annotations

from pathlib import Path

import torch
from rcnnzoo.plugin import card_of, check_plugin, decide, load, main, policy


def test_the_contract_holds() -> None:
    """What `rcnnzoo check-plugin example` says."""
    assert [row for row in check_plugin("example") if row.outcome in ("warning", "fault")] == []


def test_a_score_is_the_change_since_the_step_before() -> None:
    """By hand: half of 0.5 + 0.5, then half of 0."""
    probabilities = torch.tensor([[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]])
    assert policy("example-settled").scores(probabilities).tolist() == [1.0, 0.5, 0.0]


def test_the_network_learns_the_stripes(tmp_path: Path) -> None:
    """Accuracy is far above chance (a third); the file is enough to rebuild it, and it can stop early."""
    run = tmp_path / "run"
    names = ["example-loop", "--data", "example-stripes"]
    options = ["--epochs", "3", "--lr", "0.03", "--batch-size", "10", "--image-size", "16", "--precision", "fp32"]
    assert main(["train", *names, *options, "--out", str(run)]) == 0
    network = load(run / "model.safetensors")
    metrics = card_of(network).metrics
    assert metrics is not None
    assert metrics["accuracy"][-1] > 0.7
    early = decide(network, torch.zeros(1, 3, 16, 16), "example-settled", 1.0)
    assert early.reaction_time.item() == 1


def test_the_command_draws(tmp_path: Path) -> None:
    """The figure is written where it was asked for."""
    assert main(["example-draw", "--out", str(tmp_path / "stripes.png")]) == 0
    assert (tmp_path / "stripes.png").is_file()
