"""Base kernels of single modalities: Gaussian at several widths and linear, centred and scaled by training rows only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from .features import FeatureBlocks

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_MEDIAN_ROWS = 400


class BaseKernel:
    """One kernel on one modality, centred in its feature space and scaled to unit mean squared distance from the centre.

    The centre is the mean of the reference rows, all of them training rows; test rows are centred and scaled with the
    same numbers. A row that lacks the modality stands at that centre: its kernel value with every row is zero. The
    kernel stays positive semi-definite, and the modality then has no say for that row.

    Parameters
    ----------
    modality: its name.
    form: "linear", or "rbf 1" for a Gaussian whose width is 1 x the median distance between training rows.
    X, present: the modality's training block (n, d) and who has it (n,).
    gamma: k(a, b) = exp(-gamma d(a, b)^2), or the inner product when None.
    reference: rows of X, all present, whose mean is the centre.
    """

    def __init__(
        self, modality: str, form: str, X: Floats, present: Flags, gamma: float | None, reference: Rows
    ) -> None:
        self.modality, self.form, self.X, self.present = modality, form, X, present
        self.gamma, self.reference = gamma, reference
        R = X[reference]
        # An absent modality has no training row to refer to; nothing is then ever read from this kernel.
        among = self._raw(R, R) if len(reference) else np.zeros((1, 1))
        self.grand = float(among.mean())
        spread = float(among.diagonal().mean()) - self.grand
        self.scale = spread if spread > 1e-12 * max(1.0, abs(self.grand)) else 1.0

    def __call__(self, A: Floats, present: Flags, rows: Rows | None = None) -> Floats:
        """Values (m, n) of block A with the training rows, or with those at ``rows`` only."""
        if rows is None:
            raw = self._raw(A, self.X)
            mean_a = raw[:, self.reference].mean(axis=1, keepdims=True)
            with_present = self.present
        else:
            raw = self._raw(A, self.X[rows])
            mean_a = self.mean(A)
            with_present = self.present[rows]
        raw -= mean_a
        raw -= (self._train_mean if rows is None else self._train_mean[rows]) - self.grand
        raw /= self.scale
        raw[~present] = 0.0
        raw[:, ~with_present] = 0.0
        return raw

    def mean(self, A: Floats) -> Floats:
        """Mean raw kernel value of each row of A with the reference rows, shape (m, 1)."""
        return self._raw(A, self.X[self.reference]).mean(axis=1, keepdims=True)

    def diagonal(self) -> Floats:
        """Values of each training row with itself, shape (n,)."""
        raw = np.ones(len(self.X)) if self.gamma is not None else (self.X**2).sum(axis=1)
        return np.where(self.present, np.maximum(raw - 2 * self._train_mean + self.grand, 0.0) / self.scale, 0.0)

    @property
    def _train_mean(self) -> Floats:
        if not hasattr(self, "_mean"):
            self._mean = self.mean(self.X)[:, 0]
        return self._mean

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
            median = median_distance(X[_evenly(here, _MEDIAN_ROWS)])
            forms: list[tuple[str, float | None]] = [(f"rbf {w:g}", 0.5 / (w * median) ** 2) for w in self.widths]
            if self.linear:
                forms.append(("linear", None))
            self.kernels_ += [BaseKernel(name, form, X, present, gamma, reference) for form, gamma in forms]
        return self

    def training(self, rows: Rows | None = None) -> Iterator[Floats]:
        """Each kernel's matrix over the training rows, or over some of them, one at a time."""
        for kernel in self.kernels_:
            some = slice(None) if rows is None else rows
            yield kernel(kernel.X[some], kernel.present[some], rows)

    def cross(self, samples: Samples) -> Iterator[Floats]:
        """Each kernel's values (m, n) of new rows with the training rows, one at a time."""
        blocks = self.blocks_.transform(samples)
        for kernel in self.kernels_:
            yield kernel(blocks[kernel.modality], np.array(samples.modality(kernel.modality).present))

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
