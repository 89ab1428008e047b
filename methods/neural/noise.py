"""Randomness inside networks as a function of a seed, so that a network trains alike alone and in a stack of many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn

NOISE = "<noise>"
"""Key of the noise of a training step, (streams, 2), as ``streams`` gives it, or (networks, streams, 2); only there in
training."""

_BITS = 2**64
# Odd multipliers: the golden ratio, and those of the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
_ROUND, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_KEPT_POSITIONS = 2**20


def streams(seeds: Tensor, number: int) -> Tensor:
    """The noise of some steps: from whole numbers (...) to random int32 numbers (..., number, 2), the first odd.

    Each place of a network that draws numbers has a stream of its own, counted from 0. Seeds of all steps may be
    turned into noise at once, so that a step itself has little to do.
    """
    stream = torch.arange(1, number + 1, device=seeds.device) * _signed(_ROUND)
    mixed = (seeds[..., None] + stream) * _signed(_SECOND)
    mixed = (mixed ^ (mixed >> 32)) * _signed(_FIRST)
    mixed = mixed ^ (mixed >> 29)
    # The low half as a signed number, since what does not fit an int32 need not wrap round on every device.
    return torch.stack([(mixed >> 32) | 1, (mixed << 32) >> 32], dim=-1).to(torch.int32)


def uniform(noise: Tensor, stream: int, shape: tuple[int, ...]) -> Tensor:
    """Numbers in [0, 1), float32 of that shape, that depend on the step's seed, the stream and the position alone.

    The same on every device and under ``torch.func.vmap`` over noise, which torch's own generators are not. A number
    stays the same when any side of the shape grows: the first rows do not depend on how many rows follow.

    Parameters
    ----------
    noise: see ``NOISE``.
    """
    # 24 bits: what a float32 below 1 can hold.
    found = (_bits(noise, stream, shape) >> 8).to(torch.float32) * 2.0**-24 + 0.5
    return found.view(shape)


def _bits(noise: Tensor, stream: int, shape: tuple[int, ...]) -> Tensor:
    """Random int32 numbers of that shape: a h(position) + b modulo 2^32, with a and b of the stream.

    Where the noise is that of several networks, rows are theirs, one network's after another's, and what comes has a
    dimension of networks in front.

    A multiply-add hash (Dietzfelbinger 1996) is near to pairwise independent; h, a fixed hash that is kept from call
    to call, breaks the lattice that it would make of neighbours.
    """
    if noise.ndim == 2:
        odd, shift = noise[stream].unbind()
        return (positions(shape, noise.device) * odd).add_(shift)
    rows, *rest = shape
    odd, shift = noise[:, stream].view(len(noise), 2, *[1] * len(shape)).unbind(1)
    return (positions((rows // len(noise), *rest), noise.device) * odd).add_(shift)


def positions(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """A random int32 number for each position of an array of that shape, fixed for all time."""
    return _kept_positions(shape, device) if math.prod(shape) <= _KEPT_POSITIONS else _positions(shape, device)


def _positions(shape: tuple[int, ...], device: torch.device) -> Tensor:
    # Not position by position, but side by side, so that a position's number is the same in a wider array.
    found = torch.zeros((), dtype=torch.int64, device=device)
    for size in shape:
        place = torch.arange(1, size + 1, device=device) * _signed(_ROUND)
        found = found[..., None] + place
        found = (found ^ ((found >> 30) & 0x3FFFFFFFF)) * _signed(_FIRST)
        found = (found ^ ((found >> 27) & 0x1FFFFFFFFF)) * _signed(_SECOND)
    return (found >> 32).to(torch.int32)


_kept_positions = lru_cache(maxsize=64)(_positions)


def _signed(number: int) -> int:
    """The number modulo 2^64 as torch holds it."""
    number %= _BITS
    return number - _BITS if number >= _BITS // 2 else number


class Dropout(nn.Module):
    """Zero a share of the entries in training and scale up the rest (Srivastava et al. 2014).

    Nothing happens in a batch without ``NOISE``. ``name_noise`` must have been called on the whole network. The share
    is held in buffers alone, so that the networks of a stack may have shares of their own.

    Parameters
    ----------
    share: of entries silenced, 0 to 1.
    """

    side_by_side = True

    def __init__(self, share: float) -> None:
        super().__init__()
        self.silent, self.stream = share == 0.0, 0
        self.register_buffer("lowest", torch.tensor((share - 0.5) * 2.0**32), persistent=False)
        self.register_buffer("scale", torch.tensor(1.0 / max(1.0 - share, 1e-6)), persistent=False)

    def forward(self, values: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """The values, any shape."""
        if self.silent or NOISE not in batch:
            return values
        # In place, and without comparing: whole numbers above the lowest are cut down to the scale, the rest to zero.
        mask = _bits(batch[NOISE], self.stream, tuple(values.shape)).to(torch.float32)
        lowest, scale = self.lowest, self.scale
        if lowest.ndim:  # of several networks, each for its own rows
            own = len(lowest), *[1] * values.ndim
            lowest, scale = lowest.view(own), scale.view(own)
        mask = torch.minimum(mask.sub_(lowest).relu_(), scale)
        return values * mask.view(values.shape)


def name_noise(network: nn.Module) -> int:
    """Give every place of the network that draws numbers its own stream, in the order of its modules; how many."""
    places = [module for module in network.modules() if hasattr(module, "stream")]
    for number, module in enumerate(places):
        module.stream = number
    return len(places)
