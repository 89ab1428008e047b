"""Tensor fusion by a network: the outer product of the modalities' codes, each with a 1 appended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from fusebench.datasets.errors import DataError

from ..card import MethodCard
from .encoders import Encoder
from .inputs import Shape
from .network import NeuralMethod

if TYPE_CHECKING:
    from fusebench.datasets.task import Task

SIZE_LIMIT = 1024
_WIDEST_CODE = 8


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralTensor(NeuralMethod):
    """Equation 2 of the review: z = [v_1; 1] (x) ... (x) [v_M; 1], then dropout and a linear head.

    v_m is a short code of modality m: one hidden layer, then tanh. z has prod(d_m + 1) entries: every code,
    every product across two modalities, and so on up to all M. An absent modality is v_m = 0, which leaves the
    products of the others.

    Width rule: all codes have the same width K, the largest up to 8 for which (K + 1)^M stays within ``size_limit``;
    with the default limit of 1024 that is 8 for up to three modalities, 4 for 4, 3 for 5, 2 for 6, and 1 for 7 to 10.
    Beyond that the task is refused.

    Parameters of the network, for widths d_m, hidden width H, code width K, C classes and M modalities (and of the
    convolutions, if there are any): sum over m of (H d_m + H + K H + K), plus C (K + 1)^M + C.

    Parameters
    ----------
    code_width: K, instead of the rule.
    size_limit: most entries of z.
    others: see ``NeuralMethod``.
    """

    card = MethodCard(
        name="neural-tensor",
        title="Tensor fusion network",
        family="neural",
        fusion="intermediate",
        summary="Encodes each modality and classifies all products across modalities, of every order, linearly.",
        citation="Zadeh, Chen, Poria, Cambria, Morency 2017, Tensor fusion network for multimodal sentiment analysis.",
        inferred="Linear head instead of two hidden layers; width of the codes by a size limit; training is our own.",
        requires=("torch",),
        extra="neural",
    )

    code_width: int | None = None
    size_limit: int = SIZE_LIMIT
    learning_rate: float = 1e-2

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Refuses tasks whose outer product exceeds the size limit even with codes of one number."""
        return super().skip(task) or too_large(len(task.samples.names), 1, SIZE_LIMIT)

    def _network(self, shapes: Mapping[str, Shape], n_classes: int) -> nn.Module:
        width = self.code_width or widest_code(len(shapes), self.size_limit)
        reason = too_large(len(shapes), width, self.size_limit)
        if reason:
            raise DataError(f"neural-tensor {reason}; use fewer modalities, narrower codes or a larger size_limit")
        return TensorNetwork(shapes, self.hidden, width, n_classes, self.dropout)


class TensorNetwork(nn.Module):
    """Encoders to codes of ``width`` numbers, outer product with 1s appended, dropout, a linear head to C logits."""

    def __init__(self, shapes: Mapping[str, Shape], hidden: int, width: int, n_classes: int, dropout: float) -> None:
        super().__init__()

        def layers(features: int) -> nn.Module:
            # Bounded codes keep products of many of them in bounds.
            first = (nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout))
            return nn.Sequential(*first, nn.Linear(hidden, width), nn.Tanh())

        self.encoders = nn.ModuleList(Encoder(name, shape, layers) for name, shape in shapes.items())
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear((width + 1) ** len(shapes), n_classes))

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Logits, shape (n, C)."""
        return self.head(tensor_product([encoder(batch) for encoder in self.encoders]))


def tensor_product(vectors: Sequence[Tensor]) -> Tensor:
    """[v_1; 1] (x) ... (x) [v_M; 1], flattened: from M arrays (n, d_m) to (n, prod(d_m + 1)), last modality fastest."""
    product = nn.functional.pad(vectors[0], (0, 1), value=1.0)
    for vector in vectors[1:]:
        factor = nn.functional.pad(vector, (0, 1), value=1.0)
        product = (product[:, :, None] * factor[:, None, :]).flatten(1)
    return product


def widest_code(modalities: int, limit: int) -> int:
    """The largest width K up to 8 with (K + 1)^M within the limit; at least 1."""
    return next((k for k in range(_WIDEST_CODE, 1, -1) if (k + 1) ** modalities <= limit), 1)


def too_large(modalities: int, width: int, limit: int) -> str | None:
    """Why codes of that width cannot be multiplied out, or None."""
    if modalities * math.log(width + 1) <= math.log(limit) + 1e-9:
        return None
    return f"would multiply {modalities} codes of width {width} out to {width + 1}^{modalities} entries, beyond {limit}"
