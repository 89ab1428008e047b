"""Intermediate fusion by a network: codes of the modalities side by side, then a hidden layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..card import MethodCard
from .fusion_method import FusionMethod
from .operators.base import Operator
from .operators.concat import Concat


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralConcat(FusionMethod):
    """Every modality is encoded by a layer of its own; a network with one hidden layer reads all codes together.

    The layer of its own is a linear map to K = max(1, hidden // 2) numbers with SiLU and dropout, on top of the
    modality's encoder. An absent modality has the code zero.

    Parameters of the network, for widths d_m, hidden width H, C classes and M modalities, encoders apart:
    sum over m of (K d_m + K), plus H M K + H + H C + C.
    """

    card = MethodCard(
        name="neural-concat",
        title="Concatenation network",
        family="neural",
        fusion="intermediate",
        summary="Encodes each modality with a layer of its own and classifies the concatenated codes with a network.",
        citation="Ngiam et al. 2011, Multimodal deep learning (joint layer over modality encoders).",
        inferred="Trained end to end without pretraining; depth, widths and training are our own.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        return Concat(widths, self.hidden, None if plain else max(1, self.hidden // 2), self.dropout)
