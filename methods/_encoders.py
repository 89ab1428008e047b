"""Parts of fusion networks: convolutions for images, an encoder for any modality, and the additive network of eq. 1."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ._inputs import Shape, present_key

_CHANNELS = (16, 32)


class Convolutions(nn.Module):
    """Two 3x3 convolutions with ReLU, then mean pooling to about 4x4 positions; (n, c, h, w) to (n, ``width``).

    Each convolution halves a side longer than 8, so that large images stay cheap.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        channels, *sides = shape
        layers: list[nn.Module] = []
        for out in _CHANNELS:
            strides = tuple(2 if side > 8 else 1 for side in sides)
            layers += [nn.Conv2d(channels, out, 3, stride=strides, padding=1), nn.ReLU()]
            sides = [(side - 1) // stride + 1 for side, stride in zip(sides, strides, strict=True)]
            channels = out
        # A fixed window, not adaptive pooling, whose gradient is not deterministic on a GPU.
        window = tuple(max(1, side // 4) for side in sides)
        self.layers = nn.Sequential(*layers, nn.AvgPool2d(window), nn.Flatten())
        self.width = channels * (sides[0] // window[0]) * (sides[1] // window[1])

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class Features(nn.Module):
    """The vector v_m of one modality: its numbers, or the convolutions of an image; zero in rows that lack it."""

    def __init__(self, name: str, shape: Shape) -> None:
        super().__init__()
        self.name = name
        self.convolutions = Convolutions(shape) if len(shape) == 3 else nn.Identity()
        self.width = self.convolutions.width if len(shape) == 3 else shape[0]

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        return masked(self.convolutions(batch[self.name]), self.name, batch)


class Encoder(nn.Module):
    """A short code of one modality: features, a hidden layer with ReLU and dropout, a linear map to ``width``, tanh.

    Rows that lack the modality get the code zero.
    """

    def __init__(self, name: str, shape: Shape, hidden: int, width: int, dropout: float) -> None:
        super().__init__()
        self.name, self.width = name, width
        self.features = Features(name, shape)
        self.layers = nn.Sequential(
            nn.Linear(self.features.width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, width), nn.Tanh()
        )

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        return masked(self.layers(self.features(batch)), self.name, batch)


class AdditiveNetwork(nn.Module):
    """Equation 1: z = f(sum_m W_m^T v_m), then dropout and a linear head to C logits.

    f(x) = ReLU(x + b), or x + b when ``linear``. The W_m have no biases of their own, so that v_m = 0 removes exactly
    the term of modality m. With one modality it is a plain network with one hidden layer.
    """

    def __init__(
        self, shapes: Mapping[str, Shape], hidden: int, n_classes: int, dropout: float, linear: bool = False
    ) -> None:
        super().__init__()
        self.features = nn.ModuleList(Features(name, shape) for name, shape in shapes.items())
        self.maps = nn.ModuleList(nn.Linear(v.width, hidden, bias=False) for v in self.features)
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.linear = linear
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, n_classes))

    def fused(self, batch: Mapping[str, Tensor]) -> Tensor:
        """z, shape (n, hidden)."""
        total = self.bias
        for features, linear_map in zip(self.features, self.maps, strict=True):
            total = total + linear_map(features(batch))
        return total if self.linear else total.relu()

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.fused(batch))


def masked(vectors: Tensor, name: str, batch: Mapping[str, Tensor]) -> Tensor:
    """The vectors, (n, width), with rows that lack the modality set to zero."""
    present = batch.get(present_key(name))
    return vectors if present is None else vectors * present
