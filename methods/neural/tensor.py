"""Tensor fusion by a network: the outer product of the modalities' codes, each with a 1 appended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fusebench.datasets.errors import DataError

from ..card import MethodCard
from ..space import Real, SearchSpace
from .fusion_method import FusionMethod
from .operators.base import Operator
from .operators.codes import Codes
from .operators.tensor import TensorProduct, too_large, widest_code

if TYPE_CHECKING:
    from fusebench.datasets.task import Task

SIZE_LIMIT = 1024


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralTensor(FusionMethod):
    """Equation 2 of the review: z = [v_1; 1] (x) ... (x) [v_M; 1], then a linear head.

    v_m is a short code of modality m: one hidden layer, then tanh and dropout. z has prod(d_m + 1) entries: every code,
    every product across two modalities, and so on up to all M. An absent modality is v_m = 0, which leaves the
    products of the others. A network that met no absence in training is right but unsure there: ``modality_dropout``
    teaches it.

    Width rule: all codes have the same width K, the largest up to 8 for which (K + 1)^M stays within ``size_limit``;
    with the default limit of 1024 that is 8 for up to three modalities, 4 for 4, 3 for 5, 2 for 6, and 1 for 7 to 10.
    Beyond that the task is refused. At the points "input" and "decision" raw numbers or logits are multiplied as they
    are. Most of z are products of the highest order, with which a head learns rows by heart: hence more weight decay
    and smaller steps than other networks have, and larger weights for the codes themselves to begin with.

    Parameters of the network, for widths d_m, hidden width H, code width K, C classes and M modalities, encoders
    apart: sum over m of (H d_m + H + K H + K), plus C (K + 1)^M + C.

    Parameters
    ----------
    code_width: K, instead of the rule.
    size_limit: most entries of z. Of many modalities, 4096 leaves wider codes, at four times the cost.
    others: see ``FusionMethod``.
    """

    card = MethodCard(
        name="neural-tensor",
        title="Tensor fusion network",
        family="neural",
        fusion="intermediate",
        summary="Encodes each modality and classifies all products across modalities, of every order, linearly.",
        citation="Zadeh, Chen, Poria, Cambria, Morency 2017, Tensor fusion network for multimodal sentiment analysis.",
        inferred="Linear head instead of two hidden layers; width of the codes by a size limit; training is our own.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    code_width: int | None = None
    size_limit: int = SIZE_LIMIT
    weight_decay: float = 2.0
    learning_rate: float = 2e-3

    @classmethod
    def search_space(cls) -> SearchSpace:
        """That of all networks, with more weight decay."""
        return {**super().search_space(), "weight_decay": Real(0.1, 10.0, log=True)}

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Refuses tasks whose outer product exceeds the size limit even with codes of one number."""
        return super().skip(task) or too_large([1] * len(task.samples.names), SIZE_LIMIT)

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        width = None if plain else self.code_width or widest_code(len(widths), self.size_limit)
        codes = Codes(widths, self.hidden, width, self.dropout)
        reason = too_large(codes.widths, self.size_limit)
        if reason:
            raise DataError(f"neural-tensor {reason}; use fewer modalities, narrower codes or a larger size_limit")
        return TensorProduct(codes, self.dropout)
