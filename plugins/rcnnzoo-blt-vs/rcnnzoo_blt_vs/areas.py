"""An area of BLT-VS (KietzmannLab/BLT-VS, blt_vs_model/blt_vs.py): two streams that gate each other.

Letters: rcnnzoo's `contract`.
"""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn


class Norm(nn.GroupNorm):
    """Group norm over all maps together."""

    def __init__(self, maps: int) -> None:
        super().__init__(1, maps)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [B, K, H, W] with mean 0 and variance 1 over all three, then scaled and shifted map by map."""
        if not torch.compiler.is_exporting():
            return super().forward(maps)
        # onnxruntime adds up a whole image's values one after the other, which loses digits: in stages it doesn't.
        centred = maps - self._mean(maps)
        scale = (self._mean(centred.square()) + self.eps).rsqrt() * self.weight[:, None, None]
        return centred * scale + self.bias[:, None, None]

    def _mean(self, maps: Tensor) -> Tensor:
        """Over all but the batch, one dimension at a time: [B, 1, 1, 1]."""
        return maps.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True).mean(dim=1, keepdim=True)


def gate_of(received: Tensor) -> Tensor:
    """What a stream's input from other areas multiplies the other stream by, from 0 to 2; 1 where it is 0."""
    return 2 * received.sigmoid()


class Separable(nn.Module):
    """A convolution in groups of maps, then one that mixes all maps: [B, K_in, H, W] -> [B, K, H, W]."""

    def __init__(self, maps_in: int, maps: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(maps_in, maps, kernel, padding=kernel // 2, groups=gcd(maps_in, maps))
        self.pointwise = nn.Conv2d(maps, maps, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """First by groups, then across them."""
        mixed: Tensor = self.pointwise(self.depthwise(maps))
        return mixed


class Stream(nn.Module):
    """One of an area's two streams: what drives it, multiplied by the gate that the other stream sets, normalised.

    Args:
        maps: How many.
        lateral: Kernel size of its connections to itself; 0 if it has none.
    """

    def __init__(self, maps: int, lateral: int) -> None:
        super().__init__()
        self.lateral = Separable(maps, maps, lateral) if lateral else None
        self.norm = Norm(maps)

    def forward(self, drive: Tensor, gate: Tensor | None, before: Tensor | None = None) -> Tensor:
        """The stream's maps now; all [B, K, H, W].

        Args:
            drive: Its input from other areas.
            gate: What it is multiplied by; nothing if the other stream has no input.
            before: Its own maps one time step ago.
        """
        if before is not None and self.lateral is not None:
            drive = drive + self.lateral(before)
        maps = drive.relu()
        if gate is not None:
            maps = maps * gate
        normalised: Tensor = self.norm(maps)
        return normalised


class Retina(nn.Module):
    """The first area, which nothing feeds back to: images [B, 3, H, W] -> [B, K, H', W']."""

    def __init__(self, maps: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.from_below = nn.Conv2d(3, maps, kernel, stride, kernel // 2)
        self.norm = Norm(maps)

    def forward(self, images: Tensor) -> Tensor:
        """Convolved, rectified, normalised."""
        maps: Tensor = self.norm(self.from_below(images).relu())
        return maps


class Area(nn.Module):
    """LGN, V1, V2, V3, V4 or LOC: a stream up and one down, and the connections that drive them.

    Args:
        maps: Numbers of maps of the area below, of this one, and of the area above.
        kernels: Sizes of this area's bottom-up kernel, and of that of the area above, which feedback uses as well.
        strides: Of the same two.
        lateral: Kernel size of lateral connections; 0 if it has none.
        skip: Connections from an area that is further away; None if it has none.
    """

    def __init__(
        self,
        maps: tuple[int, int, int],
        kernels: tuple[int, int],
        strides: tuple[int, int],
        lateral: int,
        skip: Separable | None,
    ) -> None:
        super().__init__()
        below, own, above = maps
        self.from_below = nn.Conv2d(below, own, kernels[0], strides[0], kernels[0] // 2)
        self.from_above = nn.ConvTranspose2d(above, own, kernels[1], strides[1], kernels[1] // 2)
        self.skip = skip
        self.bottom_up = Stream(own, lateral)
        self.top_down = Stream(own, lateral)


class Readout(nn.Conv2d):
    """A convolution with one map per category and others: their rectified, normalised maps are fed back to LOC.

    The kernels of the categories are the classifier's weights, since logits are the means over space of these maps.
    """

    def __init__(self, maps_in: int, others: int, categories: int, kernel: int, stride: int) -> None:
        super().__init__(maps_in, others, kernel, stride, kernel // 2)
        self.norm = Norm(categories + others)

    def forward(self, maps: Tensor, classifier: nn.Linear) -> Tensor:  # type: ignore[override]
        """LOC's maps [B, K, H, W] -> what is fed back, [B, C + others, H', W']."""
        kernels = classifier.weight.unflatten(1, self.weight.shape[1:])
        categories = nn.functional.conv2d(maps, kernels, classifier.bias, self.stride, self.padding)
        fed_back: Tensor = self.norm(torch.cat((categories, super().forward(maps)), dim=1).relu())
        return fed_back

    def windows(self, maps: Tensor) -> Tensor:
        """The mean of all windows [K, kernel, kernel] that the convolution takes from LOC's maps: [B, F]."""
        windows = nn.functional.unfold(maps, self.kernel_size, padding=self.kernel_size[0] // 2, stride=self.stride)
        return windows.mean(dim=-1)
