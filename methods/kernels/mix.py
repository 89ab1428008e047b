"""One kernel made of many: what a support vector machine sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from .bank import KernelBank
from .base_kernel import BaseKernel, Flags, Floats

Absent = Literal["neutral", "drop"]

_CHUNK = 8192
# Rows at a time when only some columns are asked for: bounds what is held beside the result.


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


class LinearMix:
    """The weighted sum sum_m d_m K_m of a bank's kernels; a kernel without weight is not computed.

    Parameters
    ----------
    weights: d, non-negative, shape (p,).
    absent: what becomes of a row without a modality. "neutral": it stands at the centre of that modality's kernels,
        where they are zero. "drop": moreover the row's remaining weights are scaled up to the same sum, that is
        K(x, x') = sum_m d_m h_m(x) h_m(x') K_m(x, x') / sqrt(s(x) s(x')), h_m(x) = 1 where x has the modality, else 0,
        and s(x) = sum_m d_m h_m(x) / sum_m d_m. Both stay positive semi-definite.
    """

    def __init__(self, bank: KernelBank, weights: Floats, absent: Absent = "neutral") -> None:
        if absent not in ("neutral", "drop"):
            raise ValueError(f"absent {absent!r}: use 'neutral' or 'drop'")
        self.bank, self.weights, self.absent = bank, np.asarray(weights, dtype=np.float64), absent
        self._own = self._roots({k.modality: k.present for k in bank.kernels_}, bank.n_rows_)

    def training(self) -> Floats:
        """Values between all training rows, (n, n)."""
        n = self.bank.n_rows_
        total, scratch = np.zeros((n, n)), np.empty((n, n))
        for weight, kernel in self._live():
            np.multiply(kernel.training(), weight, out=scratch)
            total += scratch
        return self._divide(total, self._own, self._own)

    def columns(self, rows: Rows) -> Floats:
        """Values of all training rows with some of them, (n, len(rows))."""
        total = np.zeros((self.bank.n_rows_, len(rows)))
        for start in range(0, len(total), _CHUNK):
            part = slice(start, start + _CHUNK)
            for weight, kernel in self._live():
                total[part] += weight * kernel.columns(rows, part)
        return self._divide(total, self._own, self._own[rows])

    def cross(self, samples: Samples) -> Floats:
        """Values of new rows with all training rows, (m, n)."""
        sides = self.bank.read(samples)
        total = np.zeros((len(samples), self.bank.n_rows_))
        for weight, kernel in self._live():
            total += weight * kernel.cross(*sides[kernel.modality])
        here = {name: present for name, (_, present) in sides.items()}
        return self._divide(total, self._roots(here, len(samples)), self._own)

    def values(self, samples: Samples, rows: Rows) -> Floats:
        """Values of new rows with some training rows, (m, len(rows))."""
        sides = self.bank.read(samples)
        total = np.zeros((len(samples), len(rows)))
        for weight, kernel in self._live():
            total += weight * kernel.values(*sides[kernel.modality], rows)
        here = {name: present for name, (_, present) in sides.items()}
        return self._divide(total, self._roots(here, len(samples)), self._own[rows])

    def _live(self) -> Iterator[tuple[float, BaseKernel]]:
        for weight, kernel in zip(self.weights, self.bank.kernels_, strict=True):
            if weight > 0:
                yield float(weight), kernel

    def _roots(self, here: dict[str, Flags], n: int) -> Floats:
        """sqrt(s) of each row, and 1 for a row that has nothing: its values are zero anyway."""
        if self.absent == "neutral" or not self.weights.sum() > 0:
            return np.ones(n)
        share = sum((weight * here[kernel.modality] for weight, kernel in self._live()), np.zeros(n))
        return np.sqrt(np.where(share > 0, share / self.weights.sum(), 1.0))

    def _divide(self, total: Floats, left: Floats, right: Floats) -> Floats:
        if self.absent == "drop":
            total /= left[:, None]
            total /= right
        return total
