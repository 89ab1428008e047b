"""What every encoder of a modality is: a body for its kind, and zeros in rows that lack the modality."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..inputs import present_key

Batch = Mapping[str, Tensor]


class Body(nn.Module):
    """The part of an encoder that suits a kind. It knows no names and need not care for absent rows.

    A body computes one map a level, shallow to deep: (n, places, channels), where places are positions of an image,
    times, words or regions, and one place holds all of a plain vector.

    Attributes
    ----------
    map_shapes: (places, channels) of each level.
    width: numbers in the code.
    """

    map_shapes: tuple[tuple[int, int], ...]
    width: int

    def maps(self, values: Tensor, batch: Batch) -> list[Tensor]:
        """Maps of all levels of some values (n, *dims). The batch holds seeds of dropout, and graphs."""
        raise NotImplementedError

    def code(self, last: Tensor, valid: Tensor | None) -> Tensor:
        """The code (n, width) of a deepest map: all of its numbers side by side, unless a body does otherwise."""
        return last.flatten(1)

    def valid(self, values: Tensor) -> Tensor | None:
        """1 where a place holds something, 0 where it pads; (n, places), or None when all do, at every level."""
        return None


class Encoder(nn.Module):
    """A modality's body under the modality's name.

    Attributes
    ----------
    width: numbers in the code. level_widths: numbers at each level, as ``levels`` gives them.
    token_shapes: (tokens, width) at each level.
    """

    side_by_side = True

    def __init__(self, name: str, body: Body) -> None:
        super().__init__()
        self.name, self.body = name, body
        self.width, self.token_shapes = body.width, body.map_shapes
        self.level_widths = (*(channels for _, channels in body.map_shapes[:-1]), body.width)

    def forward(self, batch: Batch) -> Tensor:
        """Codes (n, width); zeros where the modality is absent."""
        return self.levels(batch)[-1]

    def levels(self, batch: Batch) -> list[Tensor]:
        """One vector a level, shallow to deep: means over the map's places, and last the code."""
        *shallow, last = self.token_levels(batch)
        valid = self.valid(batch)
        vectors = [masked(mean_of_places(level, valid), self.name, batch) for level in shallow]
        return [*vectors, masked(self.body.code(last, valid), self.name, batch)]

    def tokens(self, batch: Batch) -> Tensor:
        """The deepest map as tokens (n, tokens, width); zeros where the modality is absent."""
        return self.token_levels(batch)[-1]

    def token_levels(self, batch: Batch) -> list[Tensor]:
        """Tokens of every level, shallow to deep."""
        return [masked(level, self.name, batch) for level in self.body.maps(batch[self.name], batch)]

    def valid(self, batch: Batch) -> Tensor | None:
        """1 for tokens that hold something, (n, tokens); None when all do."""
        return self.body.valid(batch[self.name])


def masked(values: Tensor, name: str, batch: Batch) -> Tensor:
    """The values, (n, ...), with rows that lack the modality set to zero."""
    present = batch.get(present_key(name))
    return values if present is None else values * present.view(-1, *[1] * (values.ndim - 1))


def mean_of_places(level: Tensor, valid: Tensor | None) -> Tensor:
    """Mean of a map (n, places, channels) over the places that hold something; zero where none does."""
    if valid is None:
        return level.mean(1)
    weights = valid / valid.sum(1, keepdim=True).clamp(min=1.0)
    return torch.einsum("npc,np->nc", level, weights)
