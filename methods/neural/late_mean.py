"""Late mean of networks that were trained independently, one a modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from ..card import MethodCard
from .encoders import AdditiveNetwork
from .inputs import Shape
from .network import NeuralMethod


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralLateMean(NeuralMethod):
    """s(c) = mean_m p_m(c), where p_m comes from a network that saw modality m alone.

    Each network has one hidden layer (of an image: after two convolutions), is trained on the rows that have its
    modality, and knows nothing of the others. In a row that lacks a modality the mean is over the rest.

    Parameters of the networks, for widths d_m, hidden width H, C classes and M modalities (and of the convolutions, if
    there are any): sum over m of H d_m + H + H C + C.
    """

    card = MethodCard(
        name="neural-late-mean",
        title="Late mean of networks",
        family="neural",
        fusion="late",
        summary="Trains one network a modality, independently, and averages their probabilities.",
        citation="Kittler, Hatef, Duin, Matas 1998, On combining classifiers (the sum rule).",
        inferred="Networks of one hidden layer; an absent modality leaves the mean.",
        requires=("torch",),
        extra="neural",
    )

    def _members(self, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        return {name: (name,) for name in names}

    def _network(self, shapes: Mapping[str, Shape], n_classes: int) -> nn.Module:
        return AdditiveNetwork(shapes, self.hidden, n_classes, self.dropout)
