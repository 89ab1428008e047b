"""Base kernels of single modalities, Gaussian and linear, centred and scaled by training rows only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from ..features import FeatureBlocks

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

WIDTHS = {"one": (0.7,), "three": (0.5, 1.0, 2.0)}
"""Gaussian widths that methods offer, in units of the median distance."""

_SCALE_ROWS = 400
# Medians and scales are those of this many rows: they set units, and need no more.


class BaseKernel:
    """One kernel on one modality, centred in its feature space and scaled to about unit variance.

    The centre is the mean of the reference rows, all of them training rows; test rows are centred and scaled with the
    same numbers. A row that lacks the modality stands at that centre: its kernel value with every row is zero. The
    kernel stays positive semi-definite, and the modality then has no say for that row.

    Parameters
    ----------
    modality: its name.
    form: "linear", or "rbf 1" for a Gaussian whose width is 1 x the median distance between training rows.
    X, present: the modality's training block (n, d) and who has it (n,).
    gamma: k(a, b) = exp(-gamma d(a, b)^2), or the inner product when None.
    reference: rows of X, at least one and all present, whose mean is the centre.
    """

    def __init__(
        self, modality: str, form: str, X: Floats, present: Flags, gamma: float | None, reference: Rows
    ) -> None:
        self.modality, self.form, self.X, self.present = modality, form, X, present
        self.gamma, self.reference = gamma, reference
        some = X[_evenly(reference, _SCALE_ROWS)]
        among = self._raw(some, some)
        spread = float(among.diagonal().mean() - among.mean())
        # The kernel of a block that does not vary is rounding noise around zero: leave it there.
        self.scale = spread if spread > 1e-12 * max(1.0, float(np.abs(among).max())) else np.inf

    def training(self) -> Floats:
        """The kernel matrix of the training rows, (n, n)."""
        raw = self._raw(self.X, self.X)
        self.mean = raw[:, self.reference].mean(axis=1)
        return self._finish(raw, self.mean, self.present, self.mean, self.present)

    def cross(self, A: Floats, present: Flags) -> Floats:
        """Values (m, n) of new rows with the training rows."""
        raw = self._raw(A, self.X)
        return self._finish(raw, raw[:, self.reference].mean(axis=1), present, self.mean, self.present)

    def values(self, A: Floats, present: Flags, rows: Rows) -> Floats:
        """Values (m, len(rows)) of new rows with some of the training rows."""
        mean = self._raw(A, self.X[self.reference]).mean(axis=1)
        return self._finish(self._raw(A, self.X[rows]), mean, present, self.mean[rows], self.present[rows])

    def columns(self, rows: Rows) -> Floats:
        """Columns (n, len(rows)) of the training matrix."""
        raw = self._raw(self.X, self.X[rows])
        return self._finish(raw, self.mean, self.present, self.mean[rows], self.present[rows])

    def among(self, rows: Rows) -> Floats:
        """The kernel matrix of some training rows, centred over exactly those that have the modality."""
        raw = self._raw(self.X[rows], self.X[rows])
        here = self.present[rows]
        mean = raw[:, here].mean(axis=1) if here.any() else np.zeros(len(rows))
        grand = float(mean[here].mean()) if here.any() else 0.0
        return self._finish(raw, mean, here, mean, here, grand)

    def diagonal(self) -> Floats:
        """Values of each training row with itself, shape (n,)."""
        raw = np.ones(len(self.X)) if self.gamma is not None else (self.X**2).sum(axis=1)
        values = (raw - 2 * self.mean + self.mean[self.reference].mean()) / self.scale
        return np.where(self.present, np.maximum(values, 0.0), 0.0)

    @cached_property
    def mean(self) -> Floats:
        """Mean raw kernel value of each training row with the reference rows, shape (n,)."""
        return self._raw(self.X, self.X[self.reference]).mean(axis=1)

    def _finish(
        self, raw: Floats, left: Floats, here: Flags, right: Floats, there: Flags, grand: float | None = None
    ) -> Floats:
        """Centre and scale raw values in place: left and right are the rows' and columns' means with the reference."""
        raw -= left[:, None]
        raw -= right - (float(self.mean[self.reference].mean()) if grand is None else grand)
        raw /= self.scale
        raw[~here] = 0.0
        raw[:, ~there] = 0.0
        return raw

    def _raw(self, A: Floats, B: Floats) -> Floats:
        inner = A @ B.T
        if self.gamma is None:
            return inner
        inner *= -2.0
        inner += (A**2).sum(axis=1)[:, None]
        inner += (B**2).sum(axis=1)
        np.maximum(inner, 0.0, out=inner)
        inner *= -self.gamma
        return np.exp(inner, out=inner)


class KernelBank:
    """The base kernels of all modalities, fitted on training rows.

    Parameters
    ----------
    widths: of the Gaussian kernels, in units of the median distance between training rows of the modality.
    linear: whether each modality also has a linear kernel.
    references: most rows that a centre is the mean of; all training rows when None. Evenly spaced when there are more.
    """

    def __init__(self, widths: Sequence[float], linear: bool, references: int | None = None) -> None:
        self.widths, self.linear, self.references = tuple(widths), linear, references

    def fit(self, samples: Samples) -> KernelBank:
        """Learn scales, median distances and centres from n training rows."""
        self.blocks_ = FeatureBlocks().fit(samples)
        self.kernels_: list[BaseKernel] = []
        for name, X in self.blocks_.transform(samples).items():
            present = np.array(samples.modality(name).present)
            here = np.flatnonzero(present)
            if not len(here):
                continue  # nothing can be learnt of a modality that no training row has
            reference = here if self.references is None else _evenly(here, self.references)
            median = median_distance(X[_evenly(here, _SCALE_ROWS)])
            forms: list[tuple[str, float | None]] = [(f"rbf {w:g}", 0.5 / (w * median) ** 2) for w in self.widths]
            if self.linear:
                forms.append(("linear", None))
            self.kernels_ += [BaseKernel(name, form, X, present, gamma, reference) for form, gamma in forms]
        return self

    def training(self, weights: Floats) -> Floats:
        """The weighted sum of the kernels' matrices over the training rows, (n, n)."""
        n = len(self.kernels_[0].X) if self.kernels_ else 0
        return self._sum((kernel.training for kernel in self.kernels_), weights, (n, n))

    def cross(self, samples: Samples, weights: Floats) -> Floats:
        """The weighted sum of the kernels' values of new rows with the training rows, (m, n)."""
        blocks = self.blocks_.transform(samples)
        present = {name: np.array(samples.modality(name).present) for name in blocks}
        shape = (len(samples), len(self.kernels_[0].X) if self.kernels_ else 0)
        return self._sum(
            (partial(kernel.cross, blocks[kernel.modality], present[kernel.modality]) for kernel in self.kernels_),
            weights,
            shape,
        )

    @staticmethod
    def _sum(matrices: Iterable[Callable[[], Floats]], weights: Floats, shape: tuple[int, int]) -> Floats:
        """A kernel without weight is not computed; no more than two matrices are held."""
        total = np.zeros(shape)
        for weight, matrix in zip(weights, matrices, strict=True):
            if weight > 0:
                K = matrix()
                K *= weight
                total += K
        return total

    def shares(self, weights: Floats, names: Sequence[str]) -> dict[str, float]:
        """Each modality's part of the kernels' weights."""
        total = float(weights.sum()) or 1.0
        pairs = list(zip(self.kernels_, weights, strict=True))
        return {name: float(sum(w for k, w in pairs if k.modality == name)) / total for name in names}


def median_distance(X: Floats) -> float:
    """Median Euclidean distance between distinct rows of X; 1 when the rows do not differ."""
    squares = (X**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * X @ X.T, 0.0))[np.triu_indices(len(X), 1)]
    apart = distances[distances > 1e-9]
    return float(np.median(apart)) if len(apart) else 1.0


def _evenly(rows: Rows, most: int) -> Rows:
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]
