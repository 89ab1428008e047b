"""Gaussian columns and categorical columns given the class: moments that add up over sites, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import TABULAR, Modality

from ..vectors import Codes, Floats
from .categories import CategoryTables, level_counts
from .discretise import Table

FLOOR = 1e-6
"""Least variance given the class, in units of the column's own variance: a spread of a thousandth of the column's is
rounding, and would let one column overrule all others."""


@dataclass(frozen=True)
class Moments:
    """Counts of present cells, means, and sums of squared deviations from them, each of shape (D, k).

    Moments of separate rows add up to those of the pooled rows (Chan, Golub and LeVeque 1983, equation 2.1), without
    the cancellation that sums of squares suffer from.
    """

    count: Floats
    mean: Floats
    squares: Floats

    @classmethod
    def of(cls, X: Floats, codes: Codes, k: int) -> Self:
        """From rows X (n, D), NaN where a cell is missing, and their classes."""
        member = (codes[:, None] == np.arange(k)).astype(np.float64)
        seen = ~np.isnan(X)
        count = seen.T.astype(np.float64) @ member
        # Around a value of the column's own, sums keep their digits whatever the column's offset.
        origin = _first(X, seen)
        filled = np.where(seen, X - origin, 0.0)
        mean = (filled.T @ member) / np.maximum(count, 1.0)
        deviation = np.where(seen, filled - mean.T[codes], 0.0)
        return cls(count, mean + origin[:, None], (deviation**2).T @ member)

    def __add__(self, other: Moments) -> Moments:
        """Moments of both sets of rows together."""
        count = self.count + other.count
        share = other.count / np.maximum(count, 1.0)
        step = other.mean - self.mean
        squares = self.squares + other.squares + step**2 * self.count * share
        return Moments(count, self.mean + step * share, squares)

    def total(self) -> Moments:
        """Over all classes, shape (D, 1)."""
        parts = [
            Moments(self.count[:, [c]], self.mean[:, [c]], self.squares[:, [c]]) for c in range(self.count.shape[1])
        ]
        return sum(parts[1:], parts[0])

    @property
    def within(self) -> Floats:
        """Variance around the classes' means, pooled over the classes, (D, 1)."""
        return self.squares.sum(axis=1, keepdims=True) / np.maximum(self.count.sum(axis=1, keepdims=True), 1.0)

    @property
    def variance(self) -> Floats:
        """Squares over counts."""
        return self.squares / np.maximum(self.count, 1.0)


def _first(X: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
    """Each column's first present value, 0 where there is none."""
    if not len(X):
        return np.zeros(X.shape[1])
    first = X[seen.argmax(axis=0), np.arange(X.shape[1])]
    return np.where(seen.any(axis=0), first, 0.0)


def varies(total: Moments) -> npt.NDArray[np.bool_]:
    """Which columns vary by more than rounding noise, (D,); the others carry nothing."""
    spread = np.sqrt(total.variance[:, 0])
    return spread > 1e-12 * np.abs(total.mean[:, 0])


def split_columns(modality: Modality) -> tuple[Floats, Table]:
    """Numeric columns (n, D) with NaN where missing, and codes of the categorical ones (n, E), -1 where missing.

    Images, volumes, signals and the like are flattened. Rows without the modality are missing in every column.
    """
    values = modality.values.reshape(len(modality), -1).astype(np.float64)
    values[~modality.present] = np.nan
    categorical = is_categorical(modality)
    codes = values[:, categorical]
    return values[:, ~categorical], np.where(np.isnan(codes), -1, codes).astype(np.int16)


def is_categorical(modality: Modality) -> npt.NDArray[np.bool_]:
    """Which of the flattened columns are categorical."""
    if modality.kind not in TABULAR:
        return np.zeros(modality.width, dtype=bool)
    return np.array([name in modality.categories for name in modality.features], dtype=bool)


class GaussianFactor:
    """p(x_m | c) of one modality whose columns are independent given the class.

    A numeric column is Gaussian with its class's mean and the variance (SS_c + strength w) / (N_c + strength), where
    w is the column's variance within classes, pooled over the classes: the posterior mode's form under a prior that
    weighs ``strength`` rows. A categorical column has the Dirichlet-smoothed table (N_vc + alpha) / (N_c + alpha r).
    A missing cell drops its factor, which is the exact marginal; a column constant in training is left out.

    Parameters
    ----------
    strength: rows that the variance within all classes weighs in a class's own.
    alpha: counts a category of a categorical column.
    """

    hidden = ""

    def __init__(self, strength: float, alpha: float) -> None:
        self.strength, self.alpha = strength, alpha

    def fit(self, modality: Modality, codes: Codes, k: int) -> Self:
        """Learn from rows of classes 0..k-1."""
        numeric, table = split_columns(modality)
        self.tables_ = CategoryTables(table, level_counts(modality), codes, k, self.alpha)
        self.learn(Moments.of(numeric, codes, k))
        self.n_parameters = 2 * k * int(self.kept_.sum()) + self.tables_.n_parameters
        return self

    def learn(self, moments: Moments) -> None:
        """Learn the numeric columns from moments (D, k), which may be sums over sites."""
        total = moments.total()
        self.kept_ = varies(total)
        self.scale_ = np.where(self.kept_, np.sqrt(total.variance[:, 0]), 1.0)
        self.origin_ = total.mean[:, 0]
        # A class without a present cell has the mean and the variance of the column.
        known = moments.count > 0
        mean = np.where(known, moments.mean, total.mean)
        rows = moments.count + self.strength
        variance = (moments.squares + self.strength * moments.within) / np.where(rows > 0, rows, 1.0)
        variance = np.where(known, variance, total.variance)
        # In units of the column's own spread.
        self.mean_ = (mean - self.origin_[:, None]) / self.scale_[:, None]
        self.variance_ = np.maximum(variance / self.scale_[:, None] ** 2, FLOOR)

    def __call__(self, modality: Modality) -> Floats:
        """log p(x_m | c), up to a constant of the row, shape (n, k); zero where the modality is absent."""
        numeric, table = split_columns(modality)
        z = (numeric[:, self.kept_] - self.origin_[self.kept_]) / self.scale_[self.kept_]
        seen = ~np.isnan(z)
        z = np.where(seen, z, 0.0)
        mean, precision = self.mean_[self.kept_], 1.0 / self.variance_[self.kept_]
        constant = precision * mean**2 - np.log(precision)
        quadratic = z**2 @ precision - 2.0 * z @ (precision * mean) + seen.astype(np.float64) @ constant
        return self.tables_(table) - 0.5 * quadratic
