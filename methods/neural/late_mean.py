"""Late mean of networks that were trained independently, one a modality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..card import MethodCard
from .fusion_method import FusionMethod
from .operators.additive import Additive
from .operators.base import Operator


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralLateMean(FusionMethod):
    """s(c) = mean_m p_m(c), where p_m comes from a network that saw modality m alone.

    Each network has one hidden layer on top of its modality's encoder, is trained on the rows that have its modality,
    and knows nothing of the others. In a row that lacks a modality the mean is over the rest.

    Parameters of the networks, for widths d_m, hidden width H, C classes and M modalities, encoders apart:
    sum over m of H d_m + H + H C + C.
    """

    card = MethodCard(
        name="neural-late-mean",
        title="Late mean of networks",
        family="neural",
        fusion="late",
        summary="Trains one network a modality, independently, and averages their probabilities.",
        citation="Kittler, Hatef, Duin, Matas 1998, On combining classifiers (the sum rule).",
        inferred="Networks of one hidden layer; an absent modality leaves the mean.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    def _members(self, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        return {name: (name,) for name in names}

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        return Additive(widths, self.hidden)
