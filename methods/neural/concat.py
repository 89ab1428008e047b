"""Intermediate fusion by a network: codes of the modalities side by side, then a hidden layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..card import MethodCard
from .encoders import Encoder
from .inputs import Shape
from .network import NeuralMethod


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralConcat(NeuralMethod):
    """Every modality is encoded by a layer of its own; a network with one hidden layer reads all codes together.

    A code is a linear map to K = max(1, hidden // 2) numbers with ReLU and dropout (of an image: after two
    convolutions). An absent modality has the code zero.

    Parameters of the network, for widths d_m, hidden width H, C classes and M modalities (and of the convolutions, if
    there are any): sum over m of (K d_m + K), plus H M K + H + H C + C.
    """

    card = MethodCard(
        name="neural-concat",
        title="Concatenation network",
        family="neural",
        fusion="intermediate",
        summary="Encodes each modality with a layer of its own and classifies the concatenated codes with a network.",
        citation="Ngiam et al. 2011, Multimodal deep learning (joint layer over modality encoders).",
        inferred="Trained end to end without pretraining; depth, widths and training are our own.",
        requires=("torch",),
        extra="neural",
    )

    def _network(self, shapes: Mapping[str, Shape], n_classes: int) -> nn.Module:
        return ConcatNetwork(shapes, self.hidden, n_classes, self.dropout)


class ConcatNetwork(nn.Module):
    """Encoders, concatenation, one hidden layer with ReLU and dropout, a linear head to C logits."""

    def __init__(self, shapes: Mapping[str, Shape], hidden: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        width = max(1, hidden // 2)

        def layers(features: int) -> nn.Module:
            return nn.Sequential(nn.Linear(features, width), nn.ReLU(), nn.Dropout(dropout))

        self.encoders = nn.ModuleList(Encoder(name, shape, layers) for name, shape in shapes.items())
        self.head = nn.Sequential(
            nn.Linear(width * len(shapes), hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, n_classes)
        )

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Logits, shape (n, C)."""
        return self.head(torch.cat([encoder(batch) for encoder in self.encoders], dim=1))
