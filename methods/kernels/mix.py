"""One kernel made of many: what a support vector machine sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Protocol, get_args

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from .bank import KernelBank
from .base_kernel import BaseKernel, Flags, Floats

Absent = Literal["neutral", "drop"]
Sides = Mapping[str, tuple[Floats, Flags]]
"""Modality name to a block of rows and who of them has it, as ``KernelBank.read`` gives it."""

CHUNK = 8192
"""Rows at a time when only some columns are asked for: bounds what is held beside the result."""


class Mix(Protocol):
    """A positive semi-definite kernel between rows, fitted on n training rows."""

    def training(self) -> Floats:
        """Values between all training rows, (n, n)."""

    def columns(self, rows: Rows) -> Floats:
        """Values of all training rows with some of them, (n, len(rows))."""

    def cross(self, samples: Samples) -> Floats:
        """Values of new rows with all training rows, (m, n)."""

    def values(self, samples: Samples, rows: Rows) -> Floats:
        """Values of new rows with some training rows, (m, len(rows))."""


Relearn = Callable[[Rows], list[Mix]]
"""The mixes as they are learnt from some training rows only; kernels between all of these rows, as ever."""


class GatedMix:
    """The sum over kernels K(x, x') = sum_m g_m(x) K_m(x, x') g_m(x'); a kernel whose gate is shut is not computed.

    It is positive semi-definite whatever the gates are. A subclass gives ``_gates``, and sets what they need before
    this constructor asks for those of the training rows, ``own`` (n, p).
    """

    def __init__(self, bank: KernelBank) -> None:
        self.bank = bank
        self.own = self._gates({k.modality: (k.X, k.present) for k in bank.kernels_}, bank.n_rows_)

    def training(self) -> Floats:
        """Values between all training rows, (n, n)."""
        n = self.bank.n_rows_
        total, scratch = np.zeros((n, n)), np.empty((n, n))
        for m, kernel in self._open():
            np.multiply(kernel.training(), self.own[:, m], out=scratch)
            scratch *= self.own[:, [m]]
            total += scratch
        return total

    def columns(self, rows: Rows) -> Floats:
        """Values of all training rows with some of them, (n, len(rows))."""
        total = np.zeros((self.bank.n_rows_, len(rows)))
        for start in range(0, len(total), CHUNK):
            part = slice(start, start + CHUNK)
            for m, kernel in self._open():
                values = kernel.columns(rows, part)
                values *= self.own[rows, m]
                values *= self.own[part, [m]]
                total[part] += values
        return total

    def cross(self, samples: Samples) -> Floats:
        """Values of new rows with all training rows, (m, n)."""
        return self._new(samples, None)

    def values(self, samples: Samples, rows: Rows) -> Floats:
        """Values of new rows with some training rows, (m, len(rows))."""
        return self._new(samples, rows)

    def _new(self, samples: Samples, rows: Rows | None) -> Floats:
        sides = self.bank.read(samples)
        gates, own = self._gates(sides, len(samples)), self.own if rows is None else self.own[rows]
        total = np.zeros((len(samples), len(own)))
        for m, kernel in self._open():
            side = sides[kernel.modality]
            values = kernel.cross(*side) if rows is None else kernel.values(*side, rows)
            total += values * own[:, m] * gates[:, [m]]
        return total

    def _open(self) -> Iterator[tuple[int, BaseKernel]]:
        for m, kernel in enumerate(self.bank.kernels_):
            if self.own[:, m].any():
                yield m, kernel

    def _gates(self, sides: Sides, n: int) -> Floats:
        """Gates of n rows, (n, p)."""
        raise NotImplementedError


class LinearMix(GatedMix):
    """The weighted sum sum_m d_m K_m of a bank's kernels.

    Parameters
    ----------
    weights: d, non-negative, shape (p,).
    absent: what becomes of a row without a modality. "neutral": it stands at the centre of that modality's kernels,
        where they are zero. "drop": moreover the row's remaining weights are scaled up to the same sum, that is
        K(x, x') = sum_m d_m h_m(x) h_m(x') K_m(x, x') / sqrt(s(x) s(x')), h_m(x) = 1 where x has the modality, else 0,
        and s(x) = sum_m d_m h_m(x) / sum_m d_m. Both stay positive semi-definite.
    """

    def __init__(self, bank: KernelBank, weights: Floats, absent: Absent = "neutral") -> None:
        self.weights, self.absent = np.asarray(weights, dtype=np.float64), checked(absent)
        super().__init__(bank)

    def _gates(self, sides: Sides, n: int) -> Floats:
        """sqrt(d_m / s(x)); for a row without any modality s is 1: its values are zero anyway."""
        gates = np.tile(np.sqrt(self.weights), (n, 1))
        if self.absent == "drop":
            share = holdings(self.bank, sides, n) @ self.weights / (self.weights.sum() or 1.0)
            gates /= np.sqrt(np.where(share > 0, share, 1.0))[:, None]
        return gates


def holdings(bank: KernelBank, sides: Sides, n: int) -> Flags:
    """Whether each of n rows has the modality of each kernel, (n, p)."""
    return np.array([sides[kernel.modality][1] for kernel in bank.kernels_], dtype=bool).reshape(-1, n).T


def checked(absent: Absent) -> Absent:
    """The treatment of absent modalities; ValueError for one that does not exist."""
    if absent not in get_args(Absent):
        raise ValueError(f"absent {absent!r}: use {' or '.join(map(repr, get_args(Absent)))}")
    return absent
