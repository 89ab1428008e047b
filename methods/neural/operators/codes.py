"""Short codes whose products stay in bounds: what operators that multiply modalities read."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import silu

from ..noise import Dropout
from ..side_by_side import Linear
from .base import Batch, Part


class Codes(nn.Module):
    """c_m = tanh(B_m SiLU(A_m v_m + a_m) + b_m) with dropout after the SiLU: bounded, so that products are too.

    SiLU (x times sigmoid x) is smooth: behind a ReLU's kinks products of codes make a training so unstable that
    rounding decides what is learnt.

    Parameters
    ----------
    width: numbers in c_m; None for c_m = v_m.

    Attributes
    ----------
    widths: numbers in each c_m.
    """

    side_by_side = True

    def __init__(self, widths: Sequence[int], hidden: int, width: int | None, dropout: float) -> None:
        super().__init__()
        self.widths = tuple(widths) if width is None else (width,) * len(widths)
        count = 0 if width is None else len(widths)
        self.first = nn.ModuleList(Linear(d, hidden) for d in widths[:count])
        self.second = nn.ModuleList(Linear(hidden, width) for _ in range(count))
        self.dropouts = nn.ModuleList(Dropout(dropout) for _ in range(count))

    def forward(self, parts: Sequence[Part], batch: Batch) -> list[Tensor]:
        """The codes (n, width) of all modalities; zero where one is absent."""
        if not self.first:
            return [part.values for part in parts]
        layers = zip(self.first, self.dropouts, self.second, parts, strict=True)
        return [
            part.masked(second(dropout(silu(first(part.values)), batch)).tanh())
            for first, dropout, second, part in layers
        ]
