"""Gated fusion: each modality's hidden code is let through by a gate that reads all modalities."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..side_by_side import Linear
from .additive import joined
from .base import Batch, Operator, Part


class Gated(Operator):
    """h = sum_m g_m * tanh(W_m v_m + b_m), g_m = sigmoid(U_m [v_1, ..., v_M] + c_m), entry by entry.

    The gated multimodal unit of Arevalo et al. 2017, in its form for more than two modalities. An absent modality has
    no term, and reads as zero in the gates of the others.
    """

    side_by_side = True

    def __init__(self, widths: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.width = hidden
        self.maps = nn.ModuleList(Linear(width, hidden) for width in widths)
        self.gate = Linear(sum(widths), len(widths) * hidden)

    def gates(self, parts: Sequence[Part]) -> Tensor:
        """g_m, shape (n, M, hidden)."""
        return self.gate(joined([part.values for part in parts])).sigmoid().unflatten(1, (len(parts), -1))

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """h, shape (n, hidden)."""
        gates = self.gates(parts)
        terms = [part.masked(layer(part.values).tanh()) for layer, part in zip(self.maps, parts, strict=True)]
        return sum((gates[:, m] * term for m, term in enumerate(terms)), start=gates.new_zeros(()))
