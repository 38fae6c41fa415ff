"""Images as networks trained on ImageNet take them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ImageNetScale(nn.Module):
    """From [-1, 1] to values in [0, 1] of which a colour's mean is subtracted, and which are divided by its deviation.

    The numbers are those of the authors' `run.py`, and torchvision's.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, numbers in (("mean", [0.485, 0.456, 0.406]), ("deviation", [0.229, 0.224, 0.225])):
            self.register_buffer(name, torch.tensor(numbers)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W]."""
        scaled: Tensor = ((images + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("deviation")
        return scaled
