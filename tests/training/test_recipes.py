"""What the sequel's methods say, in our terms."""

import numpy as np
import torch

from rcnnzoo.training.recipes import recipe


def test_the_sequels_numbers():
    row = recipe("spoerer2020", "bl", 128)
    assert (row["optimizer"], row["lr"], row["batch_size"], row["epochs"], row["schedule"]) == (
        "adam-epsilon-hat",
        0.005,
        100,
        90,
        "constant",
    )
    assert recipe("spoerer2020", "b-u", 128)["batch_size"] == 64


def test_batch_norm_momentum_is_keras_99_percent_of_the_old():
    """Keras: running = 0.99 * running + 0.01 * batch, by hand, against PyTorch's module at the recipe's momentum."""
    norm = torch.nn.BatchNorm2d(1, momentum=recipe("spoerer2020", "bl", 128)["batch_norm_momentum"])
    values = np.random.default_rng(0).normal(3, 2, (3, 5, 1, 4, 4)).astype(np.float32)
    running = 0.0
    for batch in values:
        norm(torch.from_numpy(batch))
        running = 0.99 * running + 0.01 * batch.mean()
    np.testing.assert_allclose(float(norm.get_buffer("running_mean")), running, rtol=1e-5)


def test_the_modern_recipe_follows_the_image_size():
    assert recipe("modern", "bl", 32) != recipe("modern", "bl", 128)
