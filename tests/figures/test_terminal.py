"""Curves as text."""

import pandas as pd
import pytest

from rcnnzoo.figures.terminal import curves_as_text


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_curves_of_both_splits_fit_the_terminal(epochs):
    numbers = range(1, epochs + 1)
    table = pd.DataFrame(
        {
            "epoch": list(numbers),
            "train_loss": [2.0 / number for number in numbers],
            "train_loss_1": [2.0] * epochs,
            "train_loss_2": [1.0] * epochs,
            "train_accuracy_2": [1 - 1 / (number + 1) for number in numbers],
            "val_loss": [3.0 / number for number in numbers],
            "val_accuracy_2": [0.4] * epochs,
        }
    )
    text = curves_as_text(table, 60, 24, coloured=False)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 60
    assert len(lines) <= 24
    assert "\x1b" not in text
    for words in ("loss (nats)", "accuracy at the last step (%), by epoch", "training", "validation", "•"):
        assert words in text
    assert "\x1b" in curves_as_text(table, 60, 24, coloured=True)
    assert "validation" not in curves_as_text(
        table.drop(columns=["val_loss", "val_accuracy_2"]), 60, 24, coloured=False
    )
