"""What is said of predictions."""

from pathlib import Path

import numpy as np
import torch

from rcnnzoo.engine.prediction import Prediction
from rcnnzoo.results.predictions import top_categories


def test_the_categories_that_lead_in_the_end_come_with_their_course():
    by_step = torch.tensor([[0.5, 0.2, 0.2, 0.1], [0.1, 0.4, 0.4, 0.1]])
    prediction = Prediction(Path("a.jpg"), "b", 0.4, 2, 10, by_step, torch.zeros(3, 8, 8, dtype=torch.uint8))
    courses = top_categories(prediction, ["a", "b", "c", "d"], most=3)
    assert list(courses) == ["b", "c", "a"]  # ties in the order of the categories
    np.testing.assert_allclose(courses["c"], [0.2, 0.4])
