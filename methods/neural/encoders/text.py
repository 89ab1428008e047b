"""A small transformer over the words of a text."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..noise import Dropout
from ..shapes import Shape
from ..side_by_side import Embedding, LayerNorm, by_network
from ..words import PADDING
from .attention import Block
from .base import Batch, Body, mean_of_places
from .transformer import run_blocks


class TextTransformer(Body):
    """Learnt vectors of words and of positions, then pre-norm transformer blocks; the code is the mean word.

    The vocabulary is that of the training rows (``fusebench.methods.neural.words``). Padding is neither read nor
    counted.

    Parameters
    ----------
    width: of a word's vector. depth: blocks, each a level. heads: of attention. dropout: share silenced.
    """

    side_by_side = True

    def __init__(self, shape: Shape, width: int = 32, depth: int = 1, heads: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        (length,) = shape.dims
        self.words = Embedding(shape.words, width)
        # As long as the positions, and not of length one each, the words would drown them.
        nn.init.normal_(self.words.weight, std=0.1)
        self.positions = nn.Parameter(0.02 * torch.randn(length, width))
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = LayerNorm(width)
        self.map_shapes = ((length, width),) * depth
        self.width = width

    def maps(self, values: Tensor, batch: Batch) -> list[Tensor]:
        """Words after every block; zero where there is none."""
        valid = self.valid(values)
        tokens = self.dropout(by_network(Tensor.add, self.words(values), self.positions, 2), batch)
        return [level * valid[:, :, None] for level in run_blocks(tokens, self.blocks, self.norm, batch, valid)]

    def code(self, last: Tensor, valid: Tensor | None) -> Tensor:
        """The mean word."""
        return mean_of_places(last, valid)

    def valid(self, values: Tensor) -> Tensor:
        """1 where there is a word."""
        return (values != PADDING).to(torch.float32)
