"""One kernel on one modality, centred and scaled by training rows only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fusebench.datasets.splits import Rows

from ..sharing import digest, recall

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SCALE_ROWS = 400
# Medians and scales are those of this many rows: they set units, and need no more.

_CHUNK = 8192
# Rows whose kernel values are computed at a time when only some columns are asked for.


@dataclass(frozen=True)
class Form:
    """The formula of a kernel on rows of a block.

    ``gamma``: exp(-gamma |a - b|^2). Otherwise ``degree``: a^T b for 1, (1 + a^T b / unit)^degree above, where ``unit``
    is a typical squared length of a row, so that the constant and the product weigh alike.
    """

    gamma: float | None = None
    degree: int = 1
    unit: float = 1.0

    def __call__(self, A: Floats, B: Floats) -> Floats:
        """Values (a, b) of rows A (a, d) with rows B (b, d)."""
        if self.gamma is None:
            inner = A @ B.T
            return inner if self.degree == 1 else (1.0 + inner / self.unit) ** self.degree
        values = squared_distances(A, B)
        values *= -self.gamma
        return np.exp(values, out=values)

    def diagonal(self, A: Floats) -> Floats:
        """Values of each row with itself, (a,)."""
        if self.gamma is not None:
            return np.ones(len(A))
        squares = (A**2).sum(axis=1)
        return squares if self.degree == 1 else (1.0 + squares / self.unit) ** self.degree


class BaseKernel:
    """One kernel on one modality, centred in its feature space and scaled to about unit variance.

    The centre is the mean of the reference rows, all of them training rows; test rows are centred and scaled with the
    same numbers. A row that lacks the modality stands at that centre: its kernel value with every row is zero. The
    kernel stays positive semi-definite, and the modality then has no say for that row.

    Parameters
    ----------
    modality: its name.
    label: how the form is told, such as "linear", or "rbf 1" for a Gaussian as wide as the median distance.
    form: the formula.
    X, present: the modality's training block (n, d) and who has it (n,).
    reference: rows of X, at least one and all present, whose mean is the centre.
    """

    def __init__(self, modality: str, label: str, form: Form, X: Floats, present: Flags, reference: Rows) -> None:
        self.modality, self.label, self.form = modality, label, form
        self.X, self.present, self.reference = X, present, reference
        some = X[drawn(reference, SCALE_ROWS)]
        among = form(some, some)
        spread = float(among.diagonal().mean() - among.mean())
        # The kernel of a block that does not vary is rounding noise around zero: leave it there.
        self.scale = spread if spread > 1e-12 * max(1.0, float(np.abs(among).max())) else np.inf

    @property
    def varies(self) -> bool:
        """Whether the kernel tells any two of its reference rows apart; otherwise it is zero."""
        return bool(np.isfinite(self.scale))

    def training(self) -> Floats:
        """The kernel matrix of the training rows, (n, n); read-only within a scope of sharing."""
        K, self.mean = recall(lambda: (*self._key, "training"), self._training)
        return K

    def cross(self, A: Floats, present: Flags) -> Floats:
        """Values (m, n) of new rows with the training rows; read-only within a scope of sharing."""
        return recall(lambda: (*self._key, "cross", digest(A, present)), lambda: (self._cross(A, present),))[0]

    def values(self, A: Floats, present: Flags, rows: Rows) -> Floats:
        """Values (m, len(rows)) of new rows with some of the training rows."""
        mean = self.form(A, self.X[self.reference]).mean(axis=1)
        return self._finish(self.form(A, self.X[rows]), mean, present, self.mean[rows], self.present[rows])

    def columns(self, rows: Rows, of: slice = slice(None)) -> Floats:
        """Columns of the training matrix, (n, len(rows)), or a slice of their rows."""
        raw = self.form(self.X[of], self.X[rows])
        return self._finish(raw, self.mean[of], self.present[of], self.mean[rows], self.present[rows])

    def among(self, rows: Rows) -> Floats:
        """The kernel matrix of some training rows, centred over exactly those that have the modality; as ``training``.

        All rows, in order, are those of ``training`` where the centre is the mean of all that have the modality.
        """
        if np.array_equal(rows, np.arange(len(self.X))) and len(self.reference) == self.present.sum():
            return self.training()
        return recall(lambda: (*self._key, "among", digest(rows)), lambda: (self._among(rows),))[0]

    def diagonal(self) -> Floats:
        """Values of each training row with itself, shape (n,)."""
        values = (self.form.diagonal(self.X) - 2 * self.mean + self.mean[self.reference].mean()) / self.scale
        return np.where(self.present, np.maximum(values, 0.0), 0.0)

    @cached_property
    def mean(self) -> Floats:
        """Mean raw kernel value of each training row with the reference rows, shape (n,)."""
        there = self.X[self.reference]
        parts = [self.form(self.X[i : i + _CHUNK], there).mean(axis=1) for i in range(0, len(self.X), _CHUNK)]
        return np.concatenate(parts)

    @cached_property
    def _key(self) -> tuple[object, ...]:
        return (self.modality, self.form, digest(self.X, self.present, self.reference))

    def _training(self) -> tuple[Floats, Floats]:
        raw = self.form(self.X, self.X)
        self.mean = mean_over(raw, self.reference)
        return self._finish(raw, self.mean, self.present, self.mean, self.present), self.mean

    def _cross(self, A: Floats, present: Flags) -> Floats:
        raw = self.form(A, self.X)
        return self._finish(raw, mean_over(raw, self.reference), present, self.mean, self.present)

    def _among(self, rows: Rows) -> Floats:
        raw = self.form(self.X[rows], self.X[rows])
        here = self.present[rows]
        mean = mean_over(raw, here) if here.any() else np.zeros(len(rows))
        grand = float(mean[here].mean()) if here.any() else 0.0
        return self._finish(raw, mean, here, mean, here, grand)

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


def mean_over(values: Floats, some: Rows | Flags) -> Floats:
    """Mean of each row of values (a, b) over some of its columns, (a,): a product, which copies none of them."""
    share = np.zeros(values.shape[1])
    share[some] = 1.0
    return values @ (share / share.sum())


def squared_distances(A: Floats, B: Floats) -> Floats:
    """Squared Euclidean distances (a, b) of rows A (a, d) and B (b, d)."""
    values = A @ B.T
    values *= -2.0
    values += (A**2).sum(axis=1)[:, None]
    values += (B**2).sum(axis=1)
    return np.maximum(values, 0.0, out=values)


def median_distance(X: Floats) -> float:
    """Median Euclidean distance between distinct rows of X; 1 when the rows do not differ."""
    distances = np.sqrt(squared_distances(X, X))[np.triu_indices(len(X), 1)]
    apart = distances[distances > 1e-9]
    return float(np.median(apart)) if len(apart) else 1.0


def drawn(rows: Rows, most: int) -> Rows:
    """All rows, or ``most`` of them in their order: drawn, as every k-th row may be of one class; always the same."""
    if len(rows) <= most:
        return rows
    return rows[np.sort(np.random.default_rng(0).permutation(len(rows))[:most])]
