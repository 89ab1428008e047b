"""Which rows a network learns from and watches, in which batches; for one network, or for several side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusebench.datasets.splits import holdout, merge_rare

from .losses import SHARE, WEIGHT, Batch, other_key
from .noise import NOISE, streams

Rows = npt.NDArray[np.intp]

LARGEST = 512
"""Rows in a batch at most, where nothing else is said."""

_FEW, _MANY = (6, 32), (20, 64)
"""Batches in an epoch at most, and rows in one at least, where rows are few and where they are many."""


class Source(Protocol):
    """Where rows come from: whatever can give the rows at some positions, from memory or from disk.

    Attributes
    ----------
    device: where batches lie. resident: name to all rows of what is in memory, there. on_disk: what is not.
    """

    device: torch.device
    resident: Mapping[str, Tensor]
    on_disk: Mapping[str, Any]

    @property
    def most_rows(self) -> int:
        """The largest batch that memory allows."""

    def batch(self, rows: Tensor) -> dict[str, Tensor]:
        """The rows at those positions (int64, on the CPU), on ``device``."""


def validation_split(codes: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> tuple[Rows, Rows]:
    """Positions to learn from and to watch, about 1/folds of the rows, stratified, no subject on both sides.

    A class with fewer subjects than folds joins the largest class's stratum, so that one rare class does not make
    the division coarser for all. A single subject cannot be divided: then both parts are all rows.
    """
    if len(np.unique(groups)) < 2:
        return np.arange(len(codes)), np.arange(len(codes))
    return holdout(merge_rare(codes, groups, folds), groups, folds, seed)


@dataclass(frozen=True)
class Mixing:
    """What mix-up does to the keys of a batch: values are mixed by their shares; flags are set where either row's are.

    All others stay as they are, with the other row's beside them under ``other_key``.
    """

    values: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()

    def __call__(self, batch: Batch, other: Batch, share: Tensor) -> dict[str, Tensor]:
        """The mixture of a batch with another one of as many rows; shares (n,)."""
        mixed = {SHARE: share}
        for key, value in batch.items():
            if key in self.values:
                weight = share.view(-1, *[1] * (value.ndim - 1))
                mixed[key] = weight * value + (1.0 - weight) * other[key]
            elif key in self.flags:
                mixed[key] = torch.maximum(value, other[key])
            else:
                mixed[key], mixed[other_key(key)] = value, other[key]
        return mixed


@dataclass
class Hand:
    """The batches of one epoch of one network: (steps, width) positions, and for mix-up partners and shares."""

    rows: npt.NDArray[np.int64]
    partners: npt.NDArray[np.int64] | None = None
    shares: npt.NDArray[np.float32] | None = None


class Dealer:
    """Deals one network's rows into batches, epoch by epoch, from a generator of its own.

    Batches differ by at most one row: a last one of a single row would be a step of noise. Those that are one short
    are filled up with a row that does not count.

    Parameters
    ----------
    most: rows that a batch may have at most, whatever ``batch_size`` says.
    chances: how often to draw each of the rows, (n,), summing to 1, with replacement; None deals every row once.
    mix_up: see ``Training``.

    Attributes
    ----------
    steps, width: batches in an epoch, and places in a batch. counts: 1 for places with a row, (steps, width).
    """

    def __init__(
        self,
        rows: Rows,
        batch_size: int | None,
        most: int,
        seed: int,
        *,
        chances: npt.NDArray[np.float64] | None = None,
        mix_up: float = 0.0,
    ) -> None:
        self.rows, self.seed, self.chances, self.mix_up = np.asarray(rows, dtype=np.int64), seed, chances, mix_up
        n = len(rows)
        auto = max(1, math.ceil(n / LARGEST), *(min(most, n // least) for most, least in (_FEW, _MANY)))
        self.steps = max(math.ceil(n / batch_size) if batch_size else auto, math.ceil(n / most))
        self.width = math.ceil(n / self.steps)
        sizes = [len(part) for part in np.array_split(np.arange(n), self.steps)]
        places = np.arange(self.width) < np.array(sizes)[:, None]
        self.counts = places.astype(np.float32)
        self._places = np.flatnonzero(places)
        self._generator = np.random.default_rng(seed)

    def deal(self) -> Hand:
        """The next epoch."""
        hand = Hand(self._dealt())
        if self.mix_up:
            hand.partners = self._dealt()
            hand.shares = self._generator.beta(self.mix_up, self.mix_up, self.counts.shape).astype(np.float32)
        return hand

    def _dealt(self) -> npt.NDArray[np.int64]:
        table = np.full(self.counts.size, self.rows[0])
        if self.chances is None:
            table[self._places] = self._generator.permutation(self.rows)
        else:
            table[self._places] = self._generator.choice(self.rows, len(self.rows), p=self.chances)
        return table.reshape(self.counts.shape)

    def seeds(self, taken: int) -> npt.NDArray[np.int64]:
        """Of the noise of an epoch's steps, (steps,), after that many steps taken before."""
        return (self.seed << 32) + taken + np.arange(self.steps)


class Pool:
    """The rows of one source, or of several side by side, which then must all be in memory.

    Tables lie side by side in one, of which a batch is a single read and each table a part of that.

    Attributes
    ----------
    single: whether there is one source; then neither weights of rows nor noise have a dimension of networks.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.device, self.single = sources[0].device, len(sources) == 1
        # What lies on disk is read by the source itself.
        self._reader = sources[0] if sources[0].on_disk else None
        if self._reader is not None:
            return
        held = [source.resident for source in sources]
        tables = [key for key, rows in held[0].items() if rows.ndim == 2 and rows.dtype == torch.float32]
        self._widths = {key: held[0][key].shape[1] for key in tables}
        self._tables: Tensor | None = None
        if tables:
            self._tables = _joined([[own[key] for key in tables] for own in held])
        others = [key for key in held[0] if key not in self._widths]
        self._others = {key: _one_after_another([own[key] for own in held]) for key in others}
        lengths = [len(next(iter(own.values()))) for own in held]
        self._begins = np.cumsum([0, *lengths])

    def places(self, source: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where that source's rows lie in the pool, any shape."""
        return rows if self.single else rows + self._begins[source]

    def laid(self, places: Tensor) -> Tensor:
        """Places, on the device where they are looked up: that of the rows, or the CPU for what lies on disk."""
        return places if self._reader is not None else places.to(self.device)

    def batch(self, places: Tensor) -> dict[str, Tensor]:
        """The rows at some laid places (networks, n), those of one network after those of another."""
        if self._reader is not None:
            return self._reader.batch(places[0])
        flat = places.flatten()
        batch = {key: rows.index_select(0, flat) for key, rows in self._others.items()}
        if self._tables is not None:
            joint = self._tables.index_select(0, flat)
            batch |= zip(self._widths, joint.split(list(self._widths.values()), dim=-1), strict=True)
        return batch


def _one_after_another(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors in one, without a copy of a single one."""
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))


def _joined(blocks: Sequence[Sequence[Tensor]]) -> Tensor:
    """Each source's tables side by side, one source after another; a single table is not copied."""
    if len(blocks) == 1 and len(blocks[0]) == 1:
        return blocks[0][0]
    first = blocks[0]
    joint = first[0].new_empty(sum(len(own[0]) for own in blocks), sum(table.shape[1] for table in first))
    start = 0
    for own in blocks:
        stop = start + len(own[0])
        torch.cat(list(own), 1, out=joint[start:stop])
        start = stop
    return joint


class Epoch:
    """One epoch's batches of networks side by side, those with most steps first.

    Parameters
    ----------
    members: which source of the pool each network reads. taken: steps that each has taken before.
    drawing: how many places of each network draw noise.
    """

    def __init__(
        self,
        pool: Pool,
        members: Sequence[int],
        dealers: Sequence[Dealer],
        taken: Sequence[int],
        drawing: int,
        mixing: Mixing,
    ) -> None:
        self._pool, self._mixing = pool, mixing
        self.steps = [dealer.steps for dealer in dealers]
        hands = [dealer.deal() for dealer in dealers]
        shape = (len(dealers), max(self.steps), max(dealer.width for dealer in dealers))
        self._rows = pool.laid(_padded([pool.places(m, h.rows) for m, h in zip(members, hands, strict=True)], shape))
        counts = _padded([dealer.counts for dealer in dealers], shape, edge=False).to(pool.device)
        self._counts, self.sizes = counts, counts.sum(-1)
        seeds = _padded([d.seeds(t)[:, None] for d, t in zip(dealers, taken, strict=True)], (*shape[:2], 1))[..., 0]
        self._noise = streams(seeds.to(pool.device), drawing)
        self._partners: Tensor | None = None
        if hands[0].partners is not None:
            partners = [pool.places(m, h.partners) for m, h in zip(members, hands, strict=True)]  # type: ignore[arg-type]
            self._partners = pool.laid(_padded(partners, shape))
            self._shares = _padded([h.shares for h in hands], shape).to(pool.device)  # type: ignore[misc]

    def __iter__(self) -> Iterator[tuple[int, int, Batch]]:
        """For each step its number, how many of the networks (the first) take it, and their batches."""
        for step in range(max(self.steps)):
            k = sum(steps > step for steps in self.steps)
            batch = self._pool.batch(self._rows[:k, step])
            part: Any = (0, step) if self._pool.single else (slice(k), step)
            if self._partners is not None:
                other = self._pool.batch(self._partners[:k, step])
                batch = self._mixing(batch, other, self._shares[:k, step].flatten())
            yield step, k, {**batch, WEIGHT: self._counts[part], NOISE: self._noise[part]}


def watched(
    pool: Pool, members: Sequence[int], rows: Sequence[Rows], weights: Sequence[npt.NDArray[np.float32]], most: int
) -> Iterator[tuple[Batch, Tensor]]:
    """All of each network's rows, at most ``most`` of each in a batch, and their weight in all, (networks,)."""
    shape = (len(rows), 1, max(map(len, rows)))
    places = pool.laid(_padded([pool.places(m, r)[None] for m, r in zip(members, rows, strict=True)], shape)[:, 0])
    counts = _padded([weight[None] for weight in weights], shape, edge=False)[:, 0].to(pool.device)
    for start in range(0, shape[2], most):
        part = slice(start, start + most)
        weight = counts[:, part]
        yield {**pool.batch(places[:, part]), WEIGHT: weight[0] if pool.single else weight}, weight.sum(1)


def _padded(arrays: Sequence[npt.NDArray[Any]], shape: tuple[int, ...], *, edge: bool = True) -> Tensor:
    """Arrays (steps, width) in one of that shape (networks, steps, width), filled up with edge values or zeros."""
    padded = np.zeros(shape, dtype=arrays[0].dtype)
    for k, array in enumerate(arrays):
        steps, width = array.shape
        padded[k, :steps, :width] = array
        if edge:
            padded[k, :steps, width:] = array[:, -1:]
    return torch.as_tensor(padded)
