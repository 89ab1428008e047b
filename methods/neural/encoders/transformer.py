"""A vision transformer over patches, of images, volumes or signals."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..shapes import Shape
from ..side_by_side import LayerNorm, Linear, by_network
from .attention import Block
from .base import Batch, Body, mean_of_places

# By number of sides, how many patches a side is cut into at most: 32 to 64 tokens in all.
_PATCHES = {1: 32, 2: 8, 3: 4}


class VisionTransformer(Body):
    """Patches, a linear embedding, learnt positions, pre-norm transformer blocks; the code is the mean token.

    After Dosovitskiy et al. 2020, with the mean in place of a class token. Not MONAI's ``ViT``: it needs einops, and
    its dropout draws from torch's generator, so that networks would not train alike alone and in stacks.

    Parameters
    ----------
    width: of a token. depth: blocks, each a level. heads: of attention.
    patch: side of a patch; None for at most 8 patches a side (4 of a volume, 32 of a signal), at least 2 long.
    """

    side_by_side = True

    def __init__(
        self,
        shape: Shape,
        width: int = 32,
        depth: int = 2,
        heads: int = 4,
        patch: int | None = None,
        dropout: float = 0,
    ) -> None:
        super().__init__()
        channels, *sides = shape.dims
        most = _PATCHES[len(sides)]
        self.patch = tuple(min(side, patch or max(2, math.ceil(side / most))) for side in sides)
        self.grid = tuple(math.ceil(side / p) for side, p in zip(sides, self.patch, strict=True))
        # Zeros complete the last patch of each side.
        ends = [(0, g * p - side) for g, p, side in zip(self.grid, self.patch, sides, strict=True)]
        self.padding = [amount for end in reversed(ends) for amount in end]
        tokens = math.prod(self.grid)
        self.embedding = Linear(channels * math.prod(self.patch), width)
        self.positions = nn.Parameter(0.02 * torch.randn(tokens, width))
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = LayerNorm(width)
        self.map_shapes = ((tokens, width),) * depth
        self.width = width

    def patches(self, values: Tensor) -> Tensor:
        """Patches in row-major order, (n, tokens, channels * patch)."""
        values = nn.functional.pad(values, self.padding)
        parts = [size for pair in zip(self.grid, self.patch, strict=True) for size in pair]
        cut = values.reshape(*values.shape[:2], *parts)
        sides = range(len(self.grid))
        order = [0, *(2 + 2 * side for side in sides), 1, *(3 + 2 * side for side in sides)]
        return cut.permute(order).flatten(len(self.grid) + 1).flatten(1, -2)

    def maps(self, values: Tensor, batch: Batch) -> list[Tensor]:
        """Tokens after every block; the last ones are normalised."""
        tokens = by_network(Tensor.add, self.embedding(self.patches(values)), self.positions, 2)
        return run_blocks(tokens, self.blocks, self.norm, batch)

    def code(self, last: Tensor, valid: Tensor | None) -> Tensor:
        """The mean token."""
        return mean_of_places(last, valid)


def run_blocks(
    tokens: Tensor, blocks: nn.ModuleList, norm: nn.Module, batch: Batch, valid: Tensor | None = None
) -> list[Tensor]:
    """Tokens (n, tokens, width) after every block; the last ones are normalised."""
    found = []
    for block in blocks:
        tokens = block(tokens, batch, valid)
        found.append(tokens)
    return [*found[:-1], norm(found[-1])]
