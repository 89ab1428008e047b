"""Equation 1 of the review: a sum of linear maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.nn.functional import silu

from ..side_by_side import Linear
from .base import Batch, Operator, Part


class Additive(Operator):
    """z = f(sum_m W_m^T v_m), where f(x) = SiLU(x + b), or x + b when ``linear`` (F1).

    The W_m have no biases of their own, so that v_m = 0 removes exactly the term of modality m. They are kept side by
    side in one matrix, which multiplies all v_m at once: the same sum in a fraction of the time.
    """

    side_by_side = True

    def __init__(self, widths: Sequence[int], hidden: int, *, linear: bool = False) -> None:
        super().__init__()
        self.widths, self.linear, self.width = list(widths), linear, hidden
        self.map = Linear(sum(widths), hidden)

    def weights(self) -> tuple[Tensor, ...]:
        """W_m^T of every modality, shape (hidden, d_m)."""
        return self.map.weight.split(self.widths, dim=1)

    def forward(self, parts: Sequence[Part], batch: Batch) -> Tensor:
        """z, shape (n, hidden)."""
        total = self.map(joined([part.values for part in parts]))
        return total if self.linear else silu(total)


def joined(vectors: Sequence[Tensor]) -> Tensor:
    """Vectors (n, d_m) side by side, (n, sum of d_m); without a copy where they lie so in memory, as tables do."""
    first, *others = vectors
    if not others:
        return first
    if not _lie_side_by_side(vectors):
        return torch.cat(list(vectors), dim=1)
    return first.as_strided((len(first), sum(v.shape[1] for v in vectors)), first.stride())


def _lie_side_by_side(vectors: Sequence[Tensor]) -> bool:
    """Whether data, of which no gradient is asked, are neighbouring columns of one table."""
    first = vectors[0]
    # A compiler cannot follow addresses, and vmap's tensors have none.
    if torch.compiler.is_compiling() or is_functorch_wrapped_tensor(first) or first.stride(1) != 1:
        return False
    table, end = first.untyped_storage().data_ptr(), first.storage_offset()
    for vector in vectors:
        if vector.requires_grad or vector.stride() != first.stride() or vector.storage_offset() != end:
            return False
        if vector.untyped_storage().data_ptr() != table:
            return False
        end += vector.shape[1]
    return True
