"""Concatenation: codes side by side, then a hidden layer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import silu

from ..noise import Dropout
from ..side_by_side import Linear
from .additive import joined
from .base import Batch, Operator, Part


class Concat(Operator):
    """z = SiLU(W [c_1, ..., c_M] + b) with c_m = SiLU(A_m v_m + a_m) and dropout, or c_m = v_m.

    The code of an absent modality is zero: its columns of W are not read.

    Parameters
    ----------
    code_width: numbers in c_m; None for c_m = v_m.
    """

    side_by_side = True

    def __init__(self, widths: Sequence[int], hidden: int, code_width: int | None, dropout: float) -> None:
        super().__init__()
        self.codes = nn.ModuleList(Linear(width, code_width) for width in widths) if code_width else None
        self.dropout = Dropout(dropout)
        self.join = Linear(code_width * len(widths) if code_width else sum(widths), hidden)
        self.width = hidden

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """z, shape (n, hidden)."""
        if self.codes is None:
            return silu(self.join(joined([part.values for part in parts])))
        codes = [part.masked(silu(code(part.values))) for code, part in zip(self.codes, parts, strict=True)]
        return silu(self.join(self.dropout(joined(codes), batch)))
