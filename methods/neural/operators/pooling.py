"""Attention pooling over modalities: a mean of their codes, with weights that depend on the row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from ..encoders.attention import masked_softmax
from ..side_by_side import Linear, by_network
from .base import Batch, Operator, Part


class AttentionPool(Operator):
    """z = sum_m a_m h_m, h_m = SiLU(W_m v_m + b_m), a = softmax over m of w_m^T (tanh(V h_m) * sigmoid(U h_m)).

    The gated attention of Ilse, Tomczak, Welling 2018, with modalities for instances; w_m is the modality's own, V and
    U are shared and map to a quarter of the numbers. The weights of the modalities that a row has sum to 1; the others'
    are 0. w_m begins at zero, so that z begins as the plain mean: random preferences would be learnt by heart.
    """

    side_by_side = True

    def __init__(self, widths: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.width = hidden
        self.maps = nn.ModuleList(Linear(width, hidden) for width in widths)
        inner = max(1, hidden // 4)
        self.tanh, self.gate = Linear(hidden, inner), Linear(hidden, inner)
        self.scores = nn.Parameter(torch.zeros(len(widths), inner))

    def attention(self, parts: Sequence[Part]) -> tuple[Tensor, Tensor]:
        """a_m, shape (n, M), and h_m, shape (n, M, hidden)."""
        codes = [part.masked(silu(layer(part.values))) for layer, part in zip(self.maps, parts, strict=True)]
        stacked = torch.stack(codes, dim=1)
        hidden = self.tanh(stacked).tanh() * self.gate(stacked).sigmoid()
        return masked_softmax(by_network(Tensor.mul, hidden, self.scores, 2).sum(-1), presence(parts)), stacked

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """z, shape (n, hidden)."""
        weights, codes = self.attention(parts)
        return (weights[:, :, None] * codes).sum(1)


def presence(parts: Sequence[Part]) -> Tensor | None:
    """1 where a row has a modality, (n, M); None when all rows have all."""
    if all(part.present is None for part in parts):
        return None
    ones = torch.ones_like(parts[0].values.flatten(1)[:, :1])
    return torch.cat([ones if part.present is None else part.present for part in parts], dim=1)
