"""Attention fusion by a network: a mean of the modalities' codes, with weights that depend on the row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..card import MethodCard
from .fusion_method import FusionMethod
from .operators.base import Operator
from .operators.pooling import AttentionPool


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralAttention(FusionMethod):
    """z = sum_m a_m SiLU(W_m v_m + b_m), with weights a_m on the simplex that depend on the row, then a linear head.

    a is the softmax over modalities of a small gated network's scores of the codes; training begins at equal weights.
    An absent modality has the weight zero, and those of the others sum to 1.

    Parameters of the network, for widths d_m with sum D, hidden width H, Q = max(1, H // 4), C classes and M
    modalities, encoders apart: H D + M H + 2 (Q H + Q) + M Q + H C + C.
    """

    card = MethodCard(
        name="neural-attention",
        title="Attention fusion network",
        family="neural",
        fusion="intermediate",
        summary="Averages the modalities' codes with weights that a small network finds for each row.",
        citation="Ilse, Tomczak, Welling 2018, Attention-based deep multiple instance learning (gated attention).",
        inferred="Modalities stand for instances, each with a score vector of its own, at first zero; own training.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        return AttentionPool(widths, self.hidden)
