"""Intermediate fusion by a network: codes of the modalities side by side, then a hidden layer."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ._encoders import Encoder
from ._inputs import Shape
from ._network import NeuralMethod
from .card import MethodCard


class NeuralConcat(NeuralMethod):
    """Every modality is encoded by a network of its own; a network with one hidden layer reads all codes together.

    A code has ``hidden`` / 2 numbers. An absent modality has the code zero.

    Parameters of the network, for widths d_m, hidden width H, code width K = max(1, H // 2), C classes and M modalities
    (and of the convolutions, if there are any): sum over m of (H d_m + H + K H + K), plus H M K + H + H C + C.
    """

    card = MethodCard(
        name="neural-concat",
        title="Concatenation network",
        family="neural",
        fusion="intermediate",
        summary="Encodes each modality with a network of its own and classifies the concatenated codes with another.",
        citation="Ngiam et al. 2011, Multimodal deep learning (joint layer over modality encoders).",
        inferred="Trained end to end without pretraining; widths and training are our own.",
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
        self.encoders = nn.ModuleList(Encoder(name, shape, hidden, width, dropout) for name, shape in shapes.items())
        self.head = nn.Sequential(
            nn.Linear(width * len(shapes), hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, n_classes)
        )

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Logits, shape (n, C)."""
        return self.head(torch.cat([encoder(batch) for encoder in self.encoders], dim=1))
