"""Cross-attention: the tokens of each modality read those of all the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..encoders.attention import Block
from ..encoders.base import mean_of_places
from ..side_by_side import Linear, by_network
from .base import Batch, Operator, Part

_SLOTS = 4


class CrossAttention(Operator):
    """z = [mean of y_1, ..., mean of y_M] with y_m = block(x_m, x_others): tokens x_m attend to all other modalities'.

    CA(m) = softmax(Q_m K^T / sqrt(d)) V over the other modalities' tokens, with the way around it, normalisation and a
    hidden layer, one block a modality: after the interaction module of Zhang et al. 2023 (MCAD), whose pairs are
    joined in one softmax here. A modality that comes as one vector is first mapped to four tokens. Tokens of absent
    modalities are not read; without any other in a row only the way around is left. One modality attends to itself.

    Parameters
    ----------
    shapes: (tokens, width) of each modality. width: of the tokens inside. heads: of attention.
    """

    side_by_side = True
    reads_tokens = True

    def __init__(self, shapes: Sequence[tuple[int, int]], width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.token_width, self.width = width, width * len(shapes)
        slots = [_SLOTS if tokens == 1 else 1 for tokens, _ in shapes]
        self.maps = nn.ModuleList(Linear(d, many * width) for many, (_, d) in zip(slots, shapes, strict=True))
        self.places = nn.ParameterList(
            0.02 * torch.randn(many * tokens, width) for many, (tokens, _) in zip(slots, shapes, strict=True)
        )
        across = len(shapes) > 1
        self.blocks = nn.ModuleList(Block(width, heads, dropout, across=across) for _ in shapes)

    def tokens(self, parts: Sequence[Part]) -> list[Tensor]:
        """x_m, shape (n, tokens, width), of each modality."""
        found = []
        for part, layer, place in zip(parts, self.maps, self.places, strict=True):
            values = part.values if part.values.ndim == 3 else part.values[:, None]
            tokens = layer(values).unflatten(-1, (-1, self.token_width)).flatten(1, 2)
            found.append(by_network(Tensor.add, tokens, place, 2))
        return found

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """z, shape (n, M * width)."""
        tokens = self.tokens(parts)
        readable = _readable(parts, tokens)
        means = []
        for m, (part, block) in enumerate(zip(parts, self.blocks, strict=True)):
            others = [k for k in range(len(parts)) if k != m] or [m]
            keys = torch.cat([tokens[k] for k in others], dim=1)
            valid = None if readable is None else torch.cat([readable[k] for k in others], dim=1)
            means.append(part.masked(mean_of_places(block(tokens[m], batch, valid, keys), part.valid)))
        return torch.cat(means, dim=1)


def _readable(parts: Sequence[Part], tokens: Sequence[Tensor]) -> list[Tensor] | None:
    """1 for tokens that hold something, (n, tokens) for each modality; None when all do."""
    if all(part.present is None and part.valid is None for part in parts):
        return None
    ones = [
        torch.ones_like(t[:, :, 0]) if part.valid is None else part.valid for t, part in zip(tokens, parts, strict=True)
    ]
    return [part.masked(one) for one, part in zip(ones, parts, strict=True)]
