"""Residual convolutions over one, two or three sides: signals, images and volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ..shapes import Shape
from .base import Batch, Body

_CONVOLUTION: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_POOL: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}

# Sides at most this long are left in the end, so that a code still says where something is.
_LEFT = {1: 8, 2: 4, 3: 2}
_WIDEST = 64


class ResidualCnn(Body):
    """A first convolution, then residual blocks, each halving the sides and doubling the channels, up to 64.

    Blocks are of the pre-activation form of He et al. 2016 (Identity mappings in deep residual networks), with group
    in place of batch normalisation: nothing a row gets depends on the rows beside it. The path around the blocks is
    not normalised, so that brightness is not lost. What is longer than 4 a side in the end (8 of a signal, 2 of a
    volume) is pooled.

    Not MONAI's networks: its smallest ResNet has millions of parameters, and batch normalisation. Not its
    ``ResidualUnit`` either, though with group normalisation it does train in stacks (``torch.func.vmap``): it
    normalises after a convolution, not before, its dropout draws from torch's generator, and importing it takes longer
    than importing torch.

    Parameters
    ----------
    width: channels after the first convolution.
    depth: blocks, each a level; None for as many as it takes to come down to the length that is left, at most 4.
    """

    def __init__(self, shape: Shape, width: int = 8, depth: int | None = None) -> None:
        super().__init__()
        channels, *sides = shape.dims
        n_sides = len(sides)
        left = _LEFT[n_sides]
        # Long sides shrink at once: the first layer is the dearest.
        first = tuple(1 if side <= 4 * left else 2 if side <= 24 * left else 4 for side in sides)
        self.stem = _CONVOLUTION[n_sides](channels, width, 3, stride=first, padding=1)
        sides = _strided(sides, first)
        if depth is None:
            depth = min(4, max(1, math.ceil(math.log2(max(sides) / left))))
        blocks, shapes, channels = [], [], width
        for _ in range(depth):
            stride = tuple(2 if side > left else 1 for side in sides)
            out = min(2 * channels, max(_WIDEST, width))
            blocks.append(_Block(channels, out, stride))
            sides, channels = _strided(sides, stride), out
            shapes.append((math.prod(sides), channels))
        self.blocks = nn.ModuleList(blocks)
        # A fixed window, not adaptive pooling, whose gradient is not deterministic on a GPU.
        window = tuple(math.ceil(side / left) for side in sides)
        self.pool = _POOL[n_sides](window) if max(window) > 1 else nn.Identity()
        last = math.prod(side // w for side, w in zip(sides, window, strict=True))
        self.map_shapes = (*shapes[:-1], (last, channels))
        self.width = last * channels

    def grids(self, values: Tensor) -> list[Tensor]:
        """What each block gives, (n, channels, *sides); the last one is pooled."""
        grid = self.stem(values)
        found = []
        for block in self.blocks:
            grid = block(grid)
            found.append(grid)
        return [*found[:-1], self.pool(found[-1].relu())]

    def maps(self, values: Tensor, batch: Batch) -> list[Tensor]:
        """The grids, with their positions as places."""
        return [grid.flatten(2).transpose(1, 2) for grid in self.grids(values)]


class _Block(nn.Module):
    """x W + conv(relu(norm(conv(relu(norm(x)))))), the first convolution and the way around it with a stride."""

    def __init__(self, channels: int, out: int, stride: tuple[int, ...]) -> None:
        super().__init__()
        convolution = _CONVOLUTION[len(stride)]
        self.norms = nn.ModuleList([_norm(channels), _norm(out)])
        self.first = convolution(channels, out, 3, stride=stride, padding=1)
        self.second = convolution(out, out, 3, padding=1)
        self.around = convolution(channels, out, 1, stride=stride)

    def forward(self, grid: Tensor) -> Tensor:
        """From (n, channels, *sides) to (n, out, *sides / stride)."""
        inner = self.first(self.norms[0](grid).relu())
        return self.around(grid) + self.second(self.norms[1](inner).relu())


def _norm(channels: int) -> nn.Module:
    """Groups of about eight channels."""
    groups = max(1, channels // 8)
    return nn.GroupNorm(groups if channels % groups == 0 else 1, channels)


def _strided(sides: Sequence[int], stride: Sequence[int]) -> list[int]:
    return [(side - 1) // step + 1 for side, step in zip(sides, stride, strict=True)]
