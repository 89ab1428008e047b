"""Encoders of plain numbers: as they are, or through hidden layers."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from ..noise import Dropout
from ..shapes import Shape
from ..side_by_side import Linear
from .base import Batch, Body


class Mlp(Body):
    """Hidden layers with SiLU over a row's numbers; none of them leaves the numbers as they are.

    Categorical columns come as one column a category. A linear map of those columns adds up one learnt vector for each
    category: it is an embedding of the category, so that no layer of embeddings is needed.

    Parameters
    ----------
    width: of every hidden layer. depth: how many; each is a level. dropout: share silenced after each.
    """

    side_by_side = True

    def __init__(self, shape: Shape, width: int = 32, depth: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.positions = _triangle(shape)
        widths = [shape.width if self.positions is None else len(self.positions), *[width] * depth]
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(widths))
        self.dropout = Dropout(dropout)
        self.map_shapes = tuple((1, w) for w in (widths[1:] or widths))
        self.width = widths[-1]

    def maps(self, values: Tensor, batch: Batch) -> list[Tensor]:
        """One map of one place for each layer, or the numbers themselves."""
        vector = values.flatten(1)
        if self.positions is not None:
            vector = vector.index_select(1, self.positions.to(vector.device))
        if not self.layers:
            return [vector[:, None]]
        found = []
        for layer in self.layers:
            vector = self.dropout(silu(layer(vector)), batch)
            found.append(vector[:, None])
        return found


class Identity(Mlp):
    """A row's numbers as they are: for features that are ready. Of a symmetric connectivity, its upper triangle."""

    side_by_side = True

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape, depth=0)


def _triangle(shape: Shape) -> Tensor | None:
    """Where the upper triangle of a flattened symmetric connectivity lies, diagonal included; None for all else."""
    if shape.kind != "connectivity" or shape.directed:
        return None
    rows, columns = torch.triu_indices(*shape.dims)
    return rows * shape.dims[1] + columns
