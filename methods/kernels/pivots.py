"""Low-rank multiple kernel learning by the package mklaren: which columns of which kernels follow the residual best."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from ..vectors import Codes
from .bank import KernelBank
from .base_kernel import BaseKernel, Flags, Floats
from .mix import Absent, checked
from .mklaren_package import load

Pivots = list[tuple[int, int]]
"""(kernel, training row), in the order in which they were chosen."""


class Columns:
    """One kernel's columns, computed when first asked for; never the whole matrix."""

    def __init__(self, kernel: BaseKernel) -> None:
        self.kernel = kernel
        self.diagonal = kernel.diagonal()
        self._columns: dict[int, Floats] = {}

    def __getitem__(self, i: int) -> Floats:
        if i not in self._columns:
            self._columns[i] = self.kernel.columns(np.array([i]))[:, 0]
        return self._columns[i]


def choose_pivots(columns: list[Columns], target: Floats, rank: int, ridge: float, ahead: int) -> Pivots:
    """At most ``rank`` pivots for a regression on ``target`` (n,), by Mklaren (Strazar and Curk 2016).

    The package stops with an error when the kernels have no further independent direction to offer; what it has chosen
    by then is taken.

    Parameters
    ----------
    ridge: the L2 penalty, positive.
    ahead: look-ahead columns of each kernel.
    """
    n = len(target)
    rank = min(rank, n // 2)
    if not columns or rank < 1:
        return []
    # It cannot end after its first column.
    model = _fast_mklaren()(rank=max(rank, 2), lbd=ridge, delta=max(min(ahead, n // 4), 1))
    with np.errstate(divide="ignore", invalid="ignore"), suppress(AssertionError, ValueError, np.linalg.LinAlgError):
        model.fit([_interface()(column) for column in columns], target)
    return list(dict.fromkeys(model.picked))[:rank]


@cache
def _interface() -> type:
    """The package's access to a kernel, over computed columns."""
    base = load("mklaren.kernel.kinterface").Kinterface

    class Interface(base):  # type: ignore[misc, valid-type]
        def __init__(self, columns: Columns) -> None:
            self.columns = columns
            self.shape = (len(columns.diagonal), len(columns.diagonal))

        def diag(self) -> Floats:
            return self.columns.diagonal.copy()

    return Interface


@cache
def _fast_mklaren() -> type:
    """The package's algorithm; its Cholesky steps and gains are computed for all rows at once, to the same numbers."""
    base = load("mklaren.mkl.mklaren").Mklaren

    class FastMklaren(base):  # type: ignore[misc, valid-type]
        def __init__(self, rank: int, lbd: float, delta: int) -> None:
            super().__init__(rank=rank, lbd=lbd, delta=delta)
            self.picked: Pivots = []

        def best_pivot_kernel(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
            """The package's choice, which is noted."""
            kernel, row = super().best_pivot_kernel(*args, **kwargs)
            self.picked.append((int(kernel), int(row)))
            return kernel, row

        def gain(
            self, G: Floats, residual: Floats, bisec: Floats | None, active: list[int], lbd: float = 0, step: int = 0
        ) -> tuple[Floats, Floats | None]:
            """Correlation of each row's look-ahead column with the residual, and with the bisector."""
            n = len(G)
            centred = G - G.mean(axis=0)
            shrink = lbd * (1.0 - 1.0 / (n + self.rank))
            norms = np.sqrt(np.maximum(shrink + np.einsum("ij,ij->i", G @ (centred.T @ centred), G), 0.0))

            def correlation(v: Floats) -> Floats:
                v = v - v.mean()
                along = G @ (centred.T @ v[:n, 0]) + np.sqrt(lbd) * v[n + step]
                found = np.divide(along, norms, out=np.zeros(n), where=norms > 0)
                found[active] = 0.0
                return found

            return correlation(residual), None if bisec is None else correlation(bisec)

        def cholesky_steps(
            self,
            K: Any,
            G: Floats,
            D: Floats,
            start: int,
            act: list[int],
            ina: list[int],
            order: list[int] | None = None,
            no_steps: int = 0,
        ) -> tuple[Floats, Floats, list[int], list[int]]:
            """Incomplete Cholesky columns G[:, start:] at the pivots of ``order``, or where D is largest."""
            for step in range(no_steps if order is None else len(order)):
                k = start + step
                i = ina[int(D[ina].argmax())] if order is None else order[step]
                act.append(i)
                ina.remove(i)
                root = np.sqrt(max(D[i], 0.0))
                column = K.columns[i] - G[:, :k] @ G[i, :k]
                G[:, k] = column / root if root > 0 else 0.0
                G[act, k] = 0.0
                G[i, k] = root
                D -= G[:, k] ** 2
                D[act] = 0.0
            return G, D, act, ina

        def fit_nystrom(self) -> None:
            """Nothing: new rows are mapped by ``PivotMap``."""

    return FastMklaren


class PivotMap:
    """Features of rows from their kernel values with the pivots, so that inner products are the low-rank kernels' sum.

    For each kernel with pivots S they are K(x, S) K_SS^(-1/2), which spans what its Cholesky columns span. A row that
    lacks a modality has zeros there. "drop" moreover divides its other features by the root of the share that it has
    of the kernels with pivots, see ``mix.LinearMix``.
    """

    def __init__(self, kernels: list[BaseKernel], pivots: Pivots, absent: Absent = "neutral") -> None:
        self.absent = checked(absent)
        self.parts: list[tuple[int, BaseKernel, Rows, Floats]] = []
        for index in sorted({kernel for kernel, _ in pivots}):
            kernel = kernels[index]
            rows = np.array([row for k, row in pivots if k == index])
            values, vectors = np.linalg.eigh(kernel.columns(rows)[rows])
            kept = values > 1e-8 * values.max()
            self.parts.append((index, kernel, rows, vectors[:, kept] / np.sqrt(values[kept])))

    @property
    def owner(self) -> Codes:
        """The kernel of each feature, shape (rank,)."""
        return np.repeat([part[0] for part in self.parts], [part[3].shape[1] for part in self.parts]).astype(np.intp)

    def training(self, n: int) -> Floats:
        """Features (n, rank) of the n training rows."""
        values = [kernel.columns(rows) @ root for _, kernel, rows, root in self.parts]
        return self._joined(n, values, [kernel.present for _, kernel, _, _ in self.parts])

    def new(self, bank: KernelBank, samples: Samples) -> Floats:
        """Features (m, rank) of new rows."""
        sides = bank.read(samples)
        values = [kernel.values(*sides[kernel.modality], rows) @ root for _, kernel, rows, root in self.parts]
        return self._joined(len(samples), values, [sides[kernel.modality][1] for _, kernel, _, _ in self.parts])

    def _joined(self, n: int, values: list[Floats], present: list[Flags]) -> Floats:
        features = np.hstack([np.zeros((n, 0)), *values])
        if self.absent == "drop" and present:
            share = np.mean(present, axis=0)
            features /= np.sqrt(np.where(share > 0, share, 1.0))[:, None]
        return features
