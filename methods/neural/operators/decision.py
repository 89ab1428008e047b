"""Late rules inside a network: the modalities' logits are averaged, and all is trained together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..side_by_side import by_network
from .base import Batch, Operator, Part
from .pooling import presence


class MeanLogits(Operator):
    """l(c) = sum_m w_m l_m(c) over the modalities that a row has, w on the simplex: equal weights, or learnt ones.

    A mean of logits is, up to a constant a row, a mean of log probabilities: softmax of it is the geometric mean of
    the modalities' probabilities. Weights of the modalities that a row has are scaled to sum to 1.
    """

    side_by_side = True
    decides = True

    def __init__(self, modalities: int, classes: int, *, weighted: bool = False) -> None:
        super().__init__()
        self.width = classes
        self.scores = nn.Parameter(torch.zeros(modalities)) if weighted else None

    def weights(self, parts: Sequence[Part]) -> Tensor:
        """w_m, shape (n, M)."""
        here = presence(parts)
        weights = parts[0].values.new_ones(len(parts[0].values), len(parts)) if here is None else here
        if self.scores is not None:
            weights = by_network(Tensor.mul, weights, self.scores.softmax(-1), 1)
        return weights / weights.sum(1, keepdim=True).clamp(min=1e-12)

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """Logits, shape (n, C)."""
        return torch.einsum("nmc,nm->nc", torch.stack([part.values for part in parts], dim=1), self.weights(parts))
