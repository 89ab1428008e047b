"""Networks whose rows lie one after another: what a module must know to compute several networks at once by itself.

``torch.func.vmap`` runs any network as a stack, at a price for every operation. A module that treats each row by itself
needs none of that: it sees (networks * n) rows, those of one network after those of another. Only what holds weights,
draws noise or averages over rows must know of several networks; its weights then have one dimension more in front. Such
modules, and those made of nothing else, say so by ``side_by_side = True``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, layer_norm
from torch.nn.functional import linear as linear_of_one

_NARROW = 16

# They hold nothing, and call nothing but what is in them.
_CONTAINERS = (nn.ModuleList, nn.ParameterList, nn.Identity)


def runs_side_by_side(network: nn.Module, loss: object) -> bool:
    """Whether a network and its loss take the rows of several networks, one after another."""
    parts = [loss, *(module for module in network.modules() if not isinstance(module, _CONTAINERS))]
    # Asked of the class itself: what a subclass overrides need not keep to it.
    return all(type(part).__dict__.get("side_by_side", False) for part in parts)


def linear(values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """W x + b of rows (n, ..., a), (n, ..., b), with W (b, a) and b (b); or with each network's own for its rows."""
    if weight.ndim == 2:
        return linear_of_one(values, weight, bias)
    apart = values.reshape(len(weight), -1, values.shape[-1])
    if is_narrow(weight):
        apart = apart.mT
        found = (weight @ apart if bias is None else bias[:, :, None].baddbmm(weight, apart)).mT
    else:
        found = apart @ weight.mT if bias is None else bias[:, None].baddbmm(apart, weight.mT)
    return found.reshape(*values.shape[:-1], -1)


def is_narrow(weight: Tensor) -> bool:
    """Whether a linear map W (..., b, a) has few results: then a stack finds (W x^T)^T in half the time of x W^T.

    The gradient of its weights comes row by row, like W; that of all others column by column.
    """
    return weight.shape[-2] <= _NARROW and weight.shape[-2] < weight.shape[-1]


def by_network(function: Callable[[Tensor, Tensor], Tensor], values: Tensor, weight: Tensor, ndim: int) -> Tensor:
    """A function, entry by entry, of rows (n, ...) and a tensor of ``ndim`` dimensions that is a network's own.

    A tensor of one dimension more holds those of several networks, each for its own rows.
    """
    if weight.ndim == ndim:
        return function(values, weight)
    apart = weight.view(len(weight), 1, *[1] * (values.ndim - 1 - ndim), *weight.shape[1:])
    return function(values.unflatten(0, (len(weight), -1)), apart).flatten(0, 1)


class Linear(nn.Linear):
    """``torch.nn.Linear``, of one network or several."""

    side_by_side = True

    def forward(self, input: Tensor) -> Tensor:
        """From (n, ..., a) to (n, ..., b)."""
        return linear(input, self.weight, self.bias)


class Embedding(nn.Embedding):
    """``torch.nn.Embedding``, of one network or several."""

    side_by_side = True

    def forward(self, input: Tensor) -> Tensor:
        """From whole numbers (n, ...) to vectors (n, ..., d)."""
        if self.weight.ndim == 2:
            return super().forward(input)
        begins = torch.arange(len(self.weight), device=input.device) * self.num_embeddings
        return embedding(by_network(Tensor.add, input, begins, 0), self.weight.flatten(0, 1))


class LayerNorm(nn.LayerNorm):
    """``torch.nn.LayerNorm`` over the last dimension, of one network or several."""

    side_by_side = True

    def forward(self, input: Tensor) -> Tensor:
        """The values (n, ..., d) with mean 0 and variance 1 in each place, then scaled and shifted as learnt."""
        if self.weight.ndim == 1:
            return super().forward(input)
        plain = layer_norm(input, self.normalized_shape, None, None, self.eps)
        return by_network(Tensor.add, by_network(Tensor.mul, plain, self.weight, 1), self.bias, 1)
