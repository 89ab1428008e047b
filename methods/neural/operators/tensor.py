"""Equation 2 of the review: the outer product of codes with a 1 appended, and its low-rank form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn

from ..noise import Dropout
from ..side_by_side import Linear, by_network, linear
from .additive import joined
from .base import Batch, Operator, Part
from .codes import Codes

WIDEST_CODE = 8


class TensorProduct(Operator):
    """z = [c_1; 1] (x) ... (x) [c_M; 1] of the modalities' codes (F2; Zadeh et al. 2017).

    An absent modality is c_m = 0: what is left at its appended 1 is the product of the others.

    Parameters
    ----------
    dropout: share of the numbers in all c_m that training silences. With a number go all products that it is in, which
        leaves z consistent, and costs a fraction of dropout on the long z.
    """

    side_by_side = True
    drops = True

    def __init__(self, codes: Codes, dropout: float = 0.0) -> None:
        super().__init__()
        self.codes, self.dropout = codes, Dropout(dropout)
        self.width = math.prod(width + 1 for width in codes.widths)

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """z, shape (n, prod(K_m + 1))."""
        return tensor_product(self._dropped(parts, batch))

    def classified(self, parts: Sequence[Part], batch: Batch, head: nn.Linear) -> Tensor:
        """head(z), (n, C), without z: its right half meets the weights first, and what comes of that the left half.

        As many multiplications, but C numbers in place of every (K + 1)^(M/2); with more classes z is the shorter way.
        """
        half, classes = len(self.codes.widths) // 2, head.out_features
        if half == 0 or classes > math.prod(width + 1 for width in self.codes.widths[half:]):
            return super().classified(parts, batch, head)
        factors = _with_one(self._dropped(parts, batch))
        left, right = _outer(factors[:half]), _outer(factors[half:])
        # One row for each class and number on the left.
        weights = head.weight.unflatten(-1, (-1, right.shape[1])).flatten(-3, -2)
        logits = (linear(right, weights).unflatten(1, (classes, -1)) * left[:, None]).sum(-1)
        return by_network(Tensor.add, logits, head.bias, 1)

    def _dropped(self, parts: Sequence[Part], batch: Batch) -> Sequence[Tensor]:
        codes = self.dropout(joined(self.codes(parts, batch)), batch)
        return codes.split(self.codes.widths, dim=1)


class LowRank(Operator):
    """h = sum_r prod_m W_m^(r) [c_m; 1], entry by entry: a linear map of F2's z with weights of rank R.

    F2b; Liu et al. 2018.

    The last columns of W_m^(r), which meet the appended 1, begin at 1: so h begins near a sum over the modalities, and
    not at a product of many small numbers. The factor of an absent modality is 1: h is that of the others.
    """

    side_by_side = True

    def __init__(self, codes: Codes, width: int, rank: int) -> None:
        super().__init__()
        self.codes, self.width, self.rank = codes, width, rank
        self.factors = nn.ModuleList(Linear(d, rank * width) for d in codes.widths)
        for factor in self.factors:
            nn.init.ones_(factor.bias)

    def weights(self, m: int) -> Tensor:
        """W_m^(r) of modality m, shape (R, width, K_m + 1), the last column being that of the appended 1."""
        factor = self.factors[m]
        return torch.cat([factor.weight, factor.bias[:, None]], dim=1).unflatten(0, (self.rank, self.width))

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """h, shape (n, width)."""
        factors: list[Tensor] = []
        for code, factor, part in zip(self.codes(parts, batch), self.factors, parts, strict=True):
            value = factor(code)
            if part.present is not None:
                value = value * part.present + (1 - part.present)
            factors.append(value)
        return reduce(torch.mul, factors).unflatten(1, (self.rank, self.width)).sum(1)


def tensor_product(vectors: Sequence[Tensor]) -> Tensor:
    """[v_1; 1] (x) ... (x) [v_M; 1], flattened: from M arrays (n, d_m) to (n, prod(d_m + 1)), last modality fastest."""
    return _outer(_with_one(vectors))


def _with_one(vectors: Sequence[Tensor]) -> list[Tensor]:
    return [nn.functional.pad(vector, (0, 1), value=1.0) for vector in vectors]


def _outer(factors: Sequence[Tensor]) -> Tensor:
    """Outer product of factors (n, k_m), flattened. Halves first: so only the last product is as wide as the result."""
    if len(factors) == 1:
        return factors[0]
    half = len(factors) // 2
    left, right = _outer(factors[:half]), _outer(factors[half:])
    return (left[:, :, None] * right[:, None, :]).flatten(1)


def widest_code(modalities: int, limit: int) -> int:
    """The largest width K up to 8 with (K + 1)^M within the limit; at least 1."""
    return next((k for k in range(WIDEST_CODE, 1, -1) if (k + 1) ** modalities <= limit), 1)


def too_large(widths: Sequence[int], limit: int) -> str | None:
    """Why codes of those widths cannot be multiplied out, or None."""
    size = math.prod(width + 1 for width in widths)
    if size <= limit:
        return None
    same = len(set(widths)) == 1
    told = f"{widths[0] + 1}^{len(widths)}" if same else " x ".join(str(width + 1) for width in widths)
    return f"would multiply {len(widths)} codes out to {told} entries, beyond {limit}"
