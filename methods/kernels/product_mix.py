"""The product over modalities of Gaussian kernels: two rows are alike where they are alike in every modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from .bank import KernelBank
from .base_kernel import BaseKernel, Flags, Floats, squared_distances
from .mix import CHUNK, Absent, Sides, checked


class ProductMix:
    """K(x, x') = prod_m exp(-sum_j g_mj (x_mj - x'_mj)^2) over the columns j of each modality m's block.

    Parameters
    ----------
    bank: any one kernel a modality; only blocks, presence and references are looked at.
    scales: g, modality name to non-negative numbers (width,).
    absent: what becomes of a row without a modality. "neutral": its factor with another row is averaged over the
        reference rows, as if any of them stood in for it, that is <mean of phi(x_j), phi(x')>, and for two such rows
        the mean over both. "drop": moreover scaled up to the self-similarity 1 that complete rows have,
        K(x, x') / sqrt(K(x, x) K(x', x')). Both are positive semi-definite. (A plain factor of 1 would not be: a row
        cannot be the same as two rows that are far apart.)
    """

    def __init__(self, bank: KernelBank, scales: Mapping[str, Floats], absent: Absent = "neutral") -> None:
        self.bank, self.scales, self.absent = bank, scales, checked(absent)
        self.factors = [Factor(kernel, scales[kernel.modality], absent) for kernel in bank.kernels_]
        self._own = self._sides({k.modality: (k.X, k.present) for k in bank.kernels_})

    def training(self) -> Floats:
        """Values between all training rows, (n, n)."""
        return self._product(self._own, self._own, self.bank.n_rows_, self.bank.n_rows_)

    def columns(self, rows: Rows) -> Floats:
        """Values of all training rows with some of them, (n, len(rows))."""
        n, right = self.bank.n_rows_, [side[rows] for side in self._own]
        parts = [np.arange(i, min(i + CHUNK, n)) for i in range(0, n, CHUNK)]
        return np.vstack([self._product([s[p] for s in self._own], right, len(p), len(rows)) for p in parts])

    def cross(self, samples: Samples) -> Floats:
        """Values of new rows with all training rows, (m, n)."""
        return self._product(self._sides(self.bank.read(samples)), self._own, len(samples), self.bank.n_rows_)

    def values(self, samples: Samples, rows: Rows) -> Floats:
        """Values of new rows with some training rows, (m, len(rows))."""
        right = [side[rows] for side in self._own]
        return self._product(self._sides(self.bank.read(samples)), right, len(samples), len(rows))

    def _sides(self, sides: Sides) -> list[Side]:
        return [Side(factor, *sides[factor.modality]) for factor in self.factors]

    def _product(self, left: Sequence[Side], right: Sequence[Side], a: int, b: int) -> Floats:
        total = np.zeros((a, b))
        for one, other in zip(left, right, strict=True):
            total += one.logs(other)
        return np.exp(total, out=total)


class Factor:
    """One modality's Gaussian, and its average over the reference rows."""

    def __init__(self, kernel: BaseKernel, scale: Floats, absent: Absent) -> None:
        self.modality = kernel.modality
        self.used = np.flatnonzero(scale)
        self.root = np.sqrt(scale[self.used])
        self.reference = self.scaled(kernel.X[kernel.reference])
        self.absent = absent

    def scaled(self, X: Floats) -> Floats:
        """Rows (a, width) in the coordinates in which the exponent is the squared distance."""
        return X[:, self.used] * self.root

    def log_means(self, Z: Floats) -> Floats:
        """Logarithm of the mean factor of scaled rows with the reference rows, (a,)."""
        parts = [np.exp(-squared_distances(Z[i : i + CHUNK], self.reference)) for i in range(0, len(Z), CHUNK)]
        means = np.concatenate([part.mean(axis=1) for part in parts]) if parts else np.zeros(0)
        return np.log(np.maximum(means, 1e-300))

    @cached_property
    def log_grand(self) -> float:
        """Logarithm of the mean factor among the reference rows."""
        return float(np.log(np.exp(self.log_means(self.reference)).mean()))


class Side:
    """Rows as a factor sees them; what absent rows on the other side need is computed when first asked for."""

    def __init__(self, factor: Factor, X: Floats, present: Flags) -> None:
        self.factor, self.Z, self.present = factor, factor.scaled(X), present

    def __getitem__(self, rows: Rows) -> Side:
        some = object.__new__(Side)
        some.factor, some.Z, some.present = self.factor, self.Z[rows], self.present[rows]
        if "log_means" in self.__dict__:
            some.log_means = self.log_means[rows]
        return some

    @cached_property
    def log_means(self) -> Floats:
        """Logarithm of the rows' mean factor with the reference rows, (a,)."""
        return self.factor.log_means(self.Z)

    def logs(self, other: Side) -> Floats:
        """Logarithm of the factor between these rows and others, (a, b)."""
        values = squared_distances(self.Z, other.Z)
        np.negative(values, out=values)
        left, right = ~self.present, ~other.present
        if left.any():
            values[left] = other.log_means
        if right.any():
            values[:, right] = self.log_means[:, None]
            values[np.ix_(left, right)] = self.factor.log_grand
        if self.factor.absent == "drop" and (left.any() or right.any()):
            values[left] -= 0.5 * self.factor.log_grand
            values[:, right] -= 0.5 * self.factor.log_grand
        return values
