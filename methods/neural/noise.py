"""Randomness inside networks as a function of a seed, so that a network trains alike alone and in a stack of many."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn

NOISE = "<noise>"
"""Key of a batch's seed, a whole number () that changes with every step; only there in training."""

_MASK = 0xFFFFFFFF
# Odd constants: the golden ratio, and the multipliers of the hash "lowbias32" (Chris Wellons, public domain).
_ROUND, _FIRST, _SECOND = 0x9E3779B9, 0x7FEB352D, 0x846CA68B


def uniform(seed: Tensor, stream: int, shape: tuple[int, ...]) -> Tensor:
    """Numbers in [0, 1), float32 of that shape, that depend on seed, stream and position alone.

    The same on every device and under ``torch.func.vmap`` over seeds, which torch's own generators are not. The first
    rows do not depend on how many rows follow.

    Parameters
    ----------
    seed: whole number, shape ().
    stream: which of a network's places asks.
    """
    many = 1
    for size in shape:
        many *= size
    bits = _hash(_positions(many, seed.device) ^ _hash((seed + stream * _ROUND) & _MASK))
    # 24 bits: what a float32 below 1 can hold.
    return ((bits >> 8).to(torch.float32) * 2.0**-24).view(shape)


@lru_cache(maxsize=64)
def _positions(many: int, device: torch.device) -> Tensor:
    """A hash of each position: what every call for that many numbers has in common."""
    return _hash(torch.arange(many, device=device) * _ROUND & _MASK)


def _hash(x: Tensor) -> Tensor:
    """A well-mixed function of 32-bit numbers held in int64."""
    x = ((x ^ (x >> 16)) * _FIRST) & _MASK
    x = ((x ^ (x >> 15)) * _SECOND) & _MASK
    return x ^ (x >> 16)


class Dropout(nn.Module):
    """Zero a share of the entries in training and scale up the rest (Srivastava et al. 2014).

    Nothing happens in a batch without ``NOISE``. ``name_noise`` must have been called on the whole network.

    Parameters
    ----------
    share: of entries silenced, 0 to 1.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.stream = share, 0

    def forward(self, values: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """The values, any shape."""
        if NOISE not in batch or self.share == 0.0:
            return values
        kept = uniform(batch[NOISE], self.stream, tuple(values.shape)) >= self.share
        return values * kept / max(1.0 - self.share, 1e-6)


def name_noise(network: nn.Module) -> None:
    """Give every place of the network that draws numbers its own stream, in the order of its modules."""
    places = [module for module in network.modules() if hasattr(module, "stream")]
    for number, module in enumerate(places, start=1):
        module.stream = number  # type: ignore[assignment]
