"""Early additive fusion by a network: every modality is mapped linearly into one space, and the images are added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import nn

from ..card import MethodCard
from .encoders import AdditiveNetwork
from .inputs import Shape
from .network import NeuralMethod


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

    def __init__(
        self,
        hidden: int = 64,
        linear: bool = False,
        learning_rate: float = 5e-3,
        weight_decay: float = 0.5,
        dropout: float = 0.1,
        class_weight: Literal["balanced"] | None = None,
        max_epochs: int = 200,
        patience: int = 10,
        batch_size: int | None = None,
        validation_folds: int = 5,
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        super().__init__(
            hidden,
            learning_rate,
            weight_decay,
            dropout,
            class_weight,
            max_epochs,
            patience,
            batch_size,
            validation_folds,
            random_state,
            device,
        )
        self.linear = linear

    def _network(self, shapes: Mapping[str, Shape], n_classes: int) -> nn.Module:
        return AdditiveNetwork(shapes, self.hidden, n_classes, self.dropout, self.linear)
