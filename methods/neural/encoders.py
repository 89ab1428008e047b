"""Parts of fusion networks: convolutions for images, an encoder for any modality, and the additive network of eq. 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from .inputs import Shape, present_key

_CHANNELS = (8, 16)


class Convolutions(nn.Module):
    """Two 3x3 convolutions with ReLU, then mean pooling to 3 or 4 positions a side; (n, c, h, w) to (n, ``width``).

    The first halves sides longer than 16, the second those longer than 4, so that large images stay cheap.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        channels, *sides = shape
        layers: list[nn.Module] = []
        for out, longest in zip(_CHANNELS, (16, 4), strict=True):
            strides = tuple(2 if side > longest else 1 for side in sides)
            layers += [nn.Conv2d(channels, out, 3, stride=strides, padding=1), nn.ReLU()]
            sides = [(side - 1) // stride + 1 for side, stride in zip(sides, strides, strict=True)]
            channels = out
        # A fixed window, not adaptive pooling, whose gradient is not deterministic on a GPU.
        window = tuple(math.ceil(side / 4) for side in sides)
        pool = nn.AvgPool2d(window) if max(window) > 1 else nn.Identity()
        self.layers = nn.Sequential(*layers, pool, nn.Flatten())
        self.width = channels * (sides[0] // window[0]) * (sides[1] // window[1])

    def forward(self, images: Tensor) -> Tensor:
        """Features (n, width) of a batch's images, (n, channels, height, width)."""
        return self.layers(images)


class Features(nn.Module):
    """The vector v_m of one modality: its numbers, or the convolutions of an image; zero in rows that lack it."""

    def __init__(self, name: str, shape: Shape) -> None:
        super().__init__()
        self.name = name
        self.convolutions = Convolutions(shape) if len(shape) == 3 else nn.Identity()
        self.width = self.convolutions.width if len(shape) == 3 else shape[0]

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Features (n, width) of this modality; zeros where it is absent."""
        return masked(self.convolutions(batch[self.name]), self.name, batch)


class Encoder(nn.Module):
    """A code of one modality: its features, then ``layers`` from ``features.width`` numbers to the code.

    Rows that lack the modality get the code zero.
    """

    def __init__(self, name: str, shape: Shape, layers: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.name = name
        self.features = Features(name, shape)
        self.layers = layers(self.features.width)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Codes (n, width) of this modality; zeros where it is absent."""
        return masked(self.layers(self.features(batch)), self.name, batch)


class AdditiveNetwork(nn.Module):
    """Equation 1: z = f(sum_m W_m^T v_m), then dropout and a linear head to C logits.

    f(x) = ReLU(x + b), or x + b when ``linear``. The W_m have no biases of their own, so that v_m = 0 removes exactly
    the term of modality m. They are kept side by side in one matrix, which multiplies all v_m at once: the same sum in
    a fraction of the time. With one modality it is a plain network with one hidden layer.
    """

    def __init__(
        self, shapes: Mapping[str, Shape], hidden: int, n_classes: int, dropout: float, linear: bool = False
    ) -> None:
        super().__init__()
        self.features = nn.ModuleList(Features(name, shape) for name, shape in shapes.items())
        self.widths = [features.width for features in self.features]
        self.map = nn.Linear(sum(self.widths), hidden)
        self.linear = linear
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, n_classes))

    def weights(self) -> dict[str, Tensor]:
        """W_m^T of every modality, shape (hidden, d_m)."""
        parts = self.map.weight.split(self.widths, dim=1)
        return {features.name: part for features, part in zip(self.features, parts, strict=True)}

    def fused(self, batch: Mapping[str, Tensor]) -> Tensor:
        """z, shape (n, hidden)."""
        vectors = [features(batch) for features in self.features]
        total = self.map(vectors[0] if len(vectors) == 1 else torch.cat(vectors, dim=1))
        return total if self.linear else total.relu()

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Logits (n, classes) of the fused codes."""
        return self.head(self.fused(batch))


def masked(vectors: Tensor, name: str, batch: Mapping[str, Tensor]) -> Tensor:
    """The vectors, (n, width), with rows that lack the modality set to zero."""
    present = batch.get(present_key(name))
    return vectors if present is None else vectors * present
