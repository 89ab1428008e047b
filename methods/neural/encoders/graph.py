"""Graph convolutions over the regions of a brain."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ..inputs import graph_key
from ..noise import Dropout
from ..shapes import Shape
from ..side_by_side import Linear
from .base import Batch, Body, masked


class GraphConvolutions(Body):
    """H' = ReLU(N H W + b) with N = D^-1/2 (A + I) D^-1/2, D the row sums of A + I (Kipf & Welling 2017).

    A row's own connectivity joins its regions: A holds absolute values, without the diagonal, the largest of training
    being 1. Where the connectivity is absent A is zero, and every region speaks for itself. The code holds all regions
    side by side, since they are the same in every row. With tens of regions a dense product is the fastest form; its
    formula is that of torch_geometric's ``DenseGCNConv``, and one line here spares that dependency.

    Parameters
    ----------
    width: of a region's vector. depth: convolutions, each a level. dropout: share silenced after each.
    """

    side_by_side = True

    def __init__(self, shape: Shape, width: int = 16, depth: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        regions, features = shape.dims
        self.graph = shape.graph
        widths = [features, *[width] * depth]
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(widths))
        self.dropout = Dropout(dropout)
        self.map_shapes = ((regions, width),) * depth
        self.width = regions * width

    def maps(self, values: Tensor, batch: Batch) -> list[Tensor]:
        """Regions after every convolution."""
        weights = batch.get(graph_key(self.graph))
        joined = None if weights is None else normalised(masked(weights, self.graph, batch))
        found = []
        for layer in self.layers:
            values = values if joined is None else joined @ values
            values = self.dropout(layer(values).relu(), batch)
            found.append(values)
        return found


def normalised(graph: Tensor) -> Tensor:
    """D^-1/2 (A + I) D^-1/2 of weights A >= 0, (n, regions, regions), with D the row sums of A + I."""
    looped = graph + torch.eye(graph.shape[-1], device=graph.device)
    root = looped.sum(-1).rsqrt()
    return root[:, :, None] * looped * root[:, None, :]
