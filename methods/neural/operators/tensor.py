"""Equation 2 of the review: the outer product of codes with a 1 appended, and its low-rank form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import accumulate

import torch
from torch import Tensor, nn

from ..noise import Dropout
from ..side_by_side import Linear
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
        return _outer(self._factors(parts, batch, 1))[0].T

    def begin(self, head: nn.Linear) -> None:
        """Let the codes themselves begin with what a layer of them alone would begin with (Glorot & Bengio 2010).

        With the same small weight for every entry of z, codes must go to their bounds before a row is told from
        another: then rows are learnt by heart.
        """
        # Where every code is 2, a product of r of them is 2^r.
        alone = tensor_product([torch.full((1, width), 2.0) for width in self.codes.widths])[0] == 2.0
        first = torch.empty(head.out_features, sum(self.codes.widths))
        nn.init.xavier_uniform_(first, nn.init.calculate_gain("tanh"))
        with torch.no_grad():
            head.weight[:, alone] = first

    def classified(self, parts: Sequence[Part], batch: Batch, head: nn.Linear) -> Tensor:
        """head(z), (n, C), without z: the weights meet the product of the last modalities, then that of the first.

        As many multiplications, but C L + R numbers in place of the L R of z, for products L and R of the widths.
        """
        classes = head.out_features
        left_end, numbers = _shortest(self.codes.widths, classes)
        if numbers >= self.width:
            return super().classified(parts, batch, head)
        weight = head.weight if head.weight.ndim == 3 else head.weight[None]
        factors = self._factors(parts, batch, len(weight))
        left, right = _outer(factors[:left_end]), _outer(factors[left_end:])
        # One row for each class and number on the left.
        met = weight.unflatten(-1, (-1, right.shape[1])).flatten(1, 2) @ right
        logits = (met.unflatten(1, (classes, -1)) * left[:, None]).sum(2)
        return (logits + head.bias.view(len(weight), -1, 1)).mT.flatten(0, 1)

    def _factors(self, parts: Sequence[Part], batch: Batch, networks: int) -> Sequence[Tensor]:
        return _with_one(self.dropout(joined(self.codes(parts, batch)), batch), self.codes.widths, networks)


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
    return _outer(_with_one(joined(vectors), tuple(vector.shape[1] for vector in vectors), 1))[0].T


def _with_one(joint: Tensor, widths: tuple[int, ...], networks: int) -> Sequence[Tensor]:
    """[v_m; 1] of each modality, (networks, d_m + 1, n), from the v_m side by side in rows of networks, one by one.

    Rows come last, so that what is multiplied entry by entry are long rows of memory and not two or three numbers.
    """
    columns = nn.functional.pad(joint.unflatten(0, (networks, -1)).mT, (0, 0, 0, 1), value=1.0)
    return columns.index_select(1, _places(widths, joint.device)).split([width + 1 for width in widths], dim=1)


@lru_cache(maxsize=64)
def _places(widths: tuple[int, ...], device: torch.device) -> Tensor:
    """Where the numbers of [v_1; 1], ..., [v_M; 1] stand among v_1, ..., v_M and one 1 after them."""
    *begins, one = accumulate(widths, initial=0)
    return torch.tensor(
        [p for b, w in zip(begins, widths, strict=True) for p in (*range(b, b + w), one)], device=device
    )


def _outer(factors: Sequence[Tensor]) -> Tensor:
    """Outer product of factors (networks, k_m, n), (networks, prod(k_m), n).

    Halves first: so only the last product is as wide as the result.
    """
    if len(factors) == 1:
        return factors[0]
    half = len(factors) // 2
    left, right = _outer(factors[:half]), _outer(factors[half:])
    return (left[:, :, None] * right[:, None]).flatten(1, 2)


@lru_cache(maxsize=64)
def _shortest(widths: tuple[int, ...], classes: int) -> tuple[int, int]:
    """Where to part the modalities for fewest numbers C L + R, and how many they are; all of them if there is one."""
    sides = [width + 1 for width in widths]
    parted = ((classes * math.prod(sides[:end]) + math.prod(sides[end:]), end) for end in range(1, len(sides)))
    numbers, end = min(parted, default=(math.prod(sides), 0))
    return end, numbers


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
