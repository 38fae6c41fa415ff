"""Convolution by transforms: what direct convolution gives, in fewer multiplications.

Maps are cut into overlapping tiles; tiles and kernels are transformed, multiplied frequency by frequency (as matrices
over feature maps), and transformed back. Every step is a matrix product, for which each device has a fast library.

Letters in addition to `contract`'s: N, side of a tile; M, side of its output; U, frequencies along one side; P, parts
of a number (2, real and imaginary, or 1); S, tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Numbers = npt.NDArray[np.float64 | np.complexfloating[Any, Any]]

MOST_OUTPUTS = 16
"""Side of a tile's output in Fourier's transform; the paper's maps are multiples of it or smaller."""
AT_ONCE = {"cpu": 2**22}
"""Transformed numbers to work on at once: on a processor, few enough to stay in its cache."""
AT_ONCE_ELSEWHERE = 2**28


@dataclass(frozen=True)
class Transform:
    """Filtering of tiles by fewer multiplications than outputs times weights, as real matrices.

    A complex number is a row or column for each of its parts.

    Attributes:
        kernel: Side of the kernels.
        outputs: M; N is M + kernel - 1.
        rows: From a tile's rows, [P, U_rows, N]; Fourier's needs half of the frequencies, the others mirror them.
        columns: From the columns of each part that comes in, [P, U P, N].
        kernels: From kernels, for each part that goes out, [P, U_rows U P, kernel^2].
        columns_back: To columns of what comes out, from those of each part, [P, P M, U].
        rows_back: To its rows, [M, U_rows P].
    """

    kernel: int
    outputs: int
    rows: Tensor
    columns: Tensor
    kernels: Tensor
    columns_back: Tensor
    rows_back: Tensor


def transform_for(kernel: int, side: int, device: torch.device) -> Transform:
    """Winograd's transform for kernels of 3, Fourier's for larger ones, with tiles that suit maps of a side."""
    return _transform_for(kernel, 2 if kernel == 3 else min(MOST_OUTPUTS, side + side % 2), device)


@cache
def _transform_for(kernel: int, outputs: int, device: torch.device) -> Transform:
    with torch.inference_mode(False):  # otherwise no gradient could ever pass through these matrices
        return _from_one_dimension(*(_winograd() if kernel == 3 else _fourier(kernel, outputs)), device)


def _winograd() -> tuple[Numbers, Numbers, Numbers]:
    """F(2, 3), two outputs of three weights by four multiplications: from a tile, from a kernel, and back.

    Source: Lavin & Gray 2016, Fast algorithms for convolutional neural networks, section 4.1.
    """
    tile = np.array([[1.0, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    kernel = np.array([[1.0, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    back = np.array([[1.0, 1, 1, 0], [0, 1, -1, -1]])
    return tile, kernel, back


def _fourier(kernel: int, outputs: int) -> tuple[Numbers, Numbers, Numbers]:
    """Circular correlation of a tile, whose first outputs don't wrap around: from a tile, from a kernel, and back."""
    side = outputs + kernel - 1
    waves = np.exp(-2j * np.pi * np.outer(np.arange(side), np.arange(side)) / side)
    return waves, waves.conj()[:, :kernel], waves.conj()[:outputs] / side


def _from_one_dimension(tile: Numbers, kernel: Numbers, back: Numbers, device: torch.device) -> Transform:
    """Along both sides, in real matrices: [U, N], [U, kernel] and [M, U], real or complex."""
    parts = range(2 if np.iscomplexobj(tile) else 1)
    kept, weight = len(tile), np.ones(len(tile))
    if len(parts) == 2:
        kept = len(tile) // 2 + 1
        weight[1 : (len(tile) + 1) // 2] = 2  # it also counts for its mirror image

    def in_parts(numbers: Numbers) -> npt.NDArray[Any]:
        """What part q of a number gives to part p when it is multiplied by these: [P, P, ...]."""
        return np.stack([[(numbers * 1j ** (q - p)).real for q in parts] for p in parts])

    def matrix(values: npt.NDArray[Any], *shape: int) -> Tensor:
        return torch.from_numpy(values.reshape(shape)).to(device, torch.float32)

    sides, count = tile.shape[1], len(parts)
    kernel_area = kernel.shape[1] ** 2
    both = np.einsum("ua,vb->uvab", kernel[:kept], kernel).reshape(-1, kernel_area)
    rows_back = (back * weight)[:, :kept]
    to_real = np.stack([(rows_back * 1j**p).real for p in parts], axis=-1)
    return Transform(
        kernel=kernel.shape[1],
        outputs=len(back),
        rows=matrix(in_parts(tile[:kept])[:, 0], count, kept, sides),
        columns=matrix(in_parts(tile).transpose(1, 2, 0, 3), count, len(tile) * count, sides),
        kernels=matrix(in_parts(both).transpose(0, 2, 1, 3), count, len(both) * count, kernel_area),
        columns_back=matrix(in_parts(back).transpose(1, 0, 2, 3), count, count * len(back), len(tile)),
        rows_back=matrix(to_real, len(back), kept * count),
    )


Kernels = list[Tensor]
"""A convolution's kernels, transformed: for each part that comes out, [U_rows U, P K_in, K]."""


def transform_kernels(transform: Transform, weight: Tensor) -> Kernels:
    """Kernels [K, K_in, kernel, kernel], to be used by `TransformedConvolutions` any number of times."""
    maps, maps_in, kernel, _ = weight.shape
    columns = weight.permute(2, 3, 1, 0).reshape(kernel**2, maps_in * maps)
    return [(matrix @ columns).view(-1, len(transform.rows) * maps_in, maps) for matrix in transform.kernels]


class TransformedConvolutions:
    """Convolutions whose outputs are added up.

    Frequencies are multiplied in the type of the kernels, float32 or bfloat16; the transforms, which would round
    everything once more, are in float32.
    """

    def __init__(self, transform: Transform, kernels: Sequence[Kernels]) -> None:
        self.transform, self.kernels = transform, kernels

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """The sum of the convolutions of each input [B, K_in, H, W] -> [B, K, H, W], channels last."""
        maps = [x.permute(0, 2, 3, 1).contiguous() for x in inputs]
        images, height, width, _ = maps[0].shape
        tiles = -(-height // self.transform.outputs) * -(-width // self.transform.outputs)
        numbers = tiles * sum(kernels[0].shape[0] * kernels[0].shape[1] for kernels in self.kernels)
        at_once = max(1, AT_ONCE.get(maps[0].device.type, AT_ONCE_ELSEWHERE) // numbers)
        chunks = [self._convolve([m[i : i + at_once] for m in maps]) for i in range(0, images, at_once)]
        return (torch.cat(chunks) if len(chunks) > 1 else chunks[0]).permute(0, 3, 1, 2)

    def _convolve(self, maps: Sequence[Tensor]) -> Tensor:
        """[B, H, W, K_in] each -> [B, H, W, K]."""
        transform, side = self.transform, self.transform.outputs
        images, height, width, _ = maps[0].shape
        down, across = -(-height // side), -(-width // side)
        tiles = [_tiles(x, transform, self.kernels[0][0].dtype).transpose(0, 1) for x in maps]
        columns = None
        for part, matrix in enumerate(transform.columns_back):
            products = torch.bmm(tiles[0], self.kernels[0][part])
            for tile, kernels in zip(tiles[1:], self.kernels[1:], strict=True):
                products = torch.baddbmm(products, tile, kernels[part])
            grouped = products.float().view(-1, matrix.shape[1], products.shape[1] * products.shape[2])
            matrices = matrix.expand(len(grouped), -1, -1)
            columns = torch.bmm(matrices, grouped) if columns is None else torch.baddbmm(columns, matrices, grouped)
        assert columns is not None
        rows = columns.view(transform.rows_back.shape[1], -1)
        out = (transform.rows_back @ rows).view(side, side, across, down, images, -1)
        out = out.permute(4, 3, 0, 2, 1, 5).reshape(images, down * side, across * side, -1)
        return out[:, :height, :width]


def _tiles(maps: Tensor, transform: Transform, dtype: torch.dtype) -> Tensor:
    """Cut into tiles and transformed: [B, H, W, K] -> [S, U_rows U, P K], tiles in the order across, down, image."""
    _, height, width, features = maps.shape
    parts, kept, _ = transform.rows.shape
    strips = _windows(height, transform)
    rows = [
        torch.stack([torch.matmul(matrix[:, inside], maps[:, here].flatten(2)) for here, inside in strips])
        for matrix in transform.rows
    ]
    rows = [part.view(-1, width, features) for part in rows]
    tiles = []
    for here, inside in _windows(width, transform):
        tile = torch.matmul(transform.columns[0][:, inside], rows[0][:, here])
        if parts == 2:
            matrix = transform.columns[1][:, inside]
            tile = torch.baddbmm(tile, matrix.expand(len(tile), -1, -1), rows[1][:, here])
        tiles.append(tile.to(dtype))
    return torch.stack(tiles).view(-1, kept * transform.columns_back.shape[-1], parts * features)


def _windows(length: int, transform: Transform) -> list[tuple[slice, slice]]:
    """The position of each tile on a map that is zero around it, and which part of the tile is on the map."""
    windows = []
    for start in range(-(transform.kernel // 2), length - transform.kernel // 2, transform.outputs):
        stop = min(length, start + transform.outputs + transform.kernel - 1)
        windows.append((slice(max(0, start), stop), slice(max(0, start) - start, stop - start)))
    return windows
