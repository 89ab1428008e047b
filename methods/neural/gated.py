"""Gated fusion by a network: a gate that reads all modalities lets each one's code through, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..card import MethodCard
from .fusion_method import FusionMethod
from .operators.base import Operator
from .operators.gated import Gated


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralGated(FusionMethod):
    """h = sum_m g_m * tanh(W_m v_m + b_m) with gates g_m = sigmoid(U_m [v_1, ..., v_M] + c_m), then a linear head.

    An absent modality has no term, and reads as zero in the gates of the others.

    Parameters of the network, for widths d_m with sum D, hidden width H, C classes and M modalities, encoders apart:
    H D + M H + M H D + M H + H C + C.
    """

    card = MethodCard(
        name="neural-gated",
        title="Gated fusion network",
        family="neural",
        fusion="intermediate",
        summary="Adds the modalities' codes, each let through, number by number, by a gate that reads all modalities.",
        citation="Arevalo, Solorio, Montes-y-Gomez, Gonzalez 2017, Gated multimodal units for information fusion.",
        inferred="Linear head; an absent modality has no term; training is our own.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        return Gated(widths, self.hidden)
