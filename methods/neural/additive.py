"""Early additive fusion by a network: every modality is mapped linearly into one space, and the images are added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from ..card import MethodCard
from .encoders import AdditiveNetwork
from .inputs import Shape
from .network import NeuralMethod


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralAdditive(NeuralMethod):
    """Equation 1 of the review: z = f(sum_m W_m^T v_m), then a linear head.

    v_m are the scaled numbers of modality m (of an image: what two convolutions make of it); f is ReLU of the sum plus
    one bias, or only adds the bias when ``linear``. An absent modality is v_m = 0: its term is missing from the sum.

    Parameters of the network, for widths d_m, hidden width H and C classes (and of the convolutions, if there are any):
    H sum(d_m) + H + H C + C.

    Parameters
    ----------
    linear: f without ReLU, which makes the whole a linear classifier.
    others: see ``NeuralMethod``.
    """

    card = MethodCard(
        name="neural-additive",
        title="Additive fusion network",
        family="neural",
        fusion="early",
        summary="Maps each modality linearly into one space, adds the images, and classifies the sum with a network.",
        citation="Early fusion by a learnt weighted sum of modality features; eq. 1 of the review.",
        inferred="Non-linearity (ReLU), width and training are our own; an absent modality drops out of the sum.",
        requires=("torch",),
        extra="neural",
    )

    linear: bool = False

    def _network(self, shapes: Mapping[str, Shape], n_classes: int) -> nn.Module:
        return AdditiveNetwork(shapes, self.hidden, n_classes, self.dropout, self.linear)
