"""A density of a modality's columns, and what exponentials of linear scores sum to over missing cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..vectors import Codes, Floats

Flags = npt.NDArray[np.bool_]

MOST_FACTORS = 10
_STEPS = 25
_FLOOR = 1e-6


@dataclass(frozen=True)
class Factors:
    """Gaussian columns N(0, U U' + noise I): probabilistic principal components (Tipping and Bishop 1999).

    ``loadings`` U (d, r), ``noise`` a variance. Sums over missing cells cost r by r systems, whatever d.
    """

    loadings: Floats
    noise: float

    @classmethod
    def fit(cls, X: Floats, most: int = MOST_FACTORS) -> Factors:
        """Maximum likelihood from rows (n, d) of mean zero, NaN where a cell is missing: closed form, or EM from it."""
        n, d = X.shape
        if not n or not d:
            return cls(np.zeros((d, 0)), 1.0)
        seen = ~np.isnan(X)
        found = cls._components(np.where(seen, X, 0.0), most)
        if seen.all() or not found.loadings.shape[1]:
            return found
        for _ in range(_STEPS):
            found = found._step(np.where(seen, X, 0.0), seen)
        return found

    @classmethod
    def _components(cls, X: Floats, most: int) -> Factors:
        from sklearn.utils.extmath import randomized_svd

        n, d = X.shape
        rank = max(0, min(most, d - 1, n - 1))
        total = float((X**2).sum()) / n
        if not rank:
            return cls(np.zeros((d, 0)), max(total / d, _FLOOR))
        _, sizes, axes = randomized_svd(X, rank, random_state=0)
        noise = max((total - float((sizes**2).sum()) / n) / (d - rank), _FLOOR)
        return cls(axes.T * np.sqrt(np.maximum(sizes**2 / n - noise, 0.0)), noise)

    def _step(self, X: Floats, seen: Flags) -> Factors:
        """One step of expectation and maximisation on the seen cells (X holds zero elsewhere)."""
        r = self.loadings.shape[1]
        mean, spread = self.posterior(X, seen)
        moments = spread + mean[:, :, None] * mean[:, None, :]
        weights = seen.astype(np.float64)
        systems = (weights.T @ moments.reshape(len(X), r * r)).reshape(X.shape[1], r, r) + _FLOOR * np.eye(r)
        loadings = np.asarray(np.linalg.solve(systems, (X.T @ mean)[:, :, None])[:, :, 0], dtype=np.float64)
        left = np.where(seen, X - mean @ loadings.T, 0.0)
        unsure = weights * (loadings @ spread.reshape(len(X), r, r) * loadings).sum(axis=2)
        return Factors(loadings, max(float((left**2).sum() + unsure.sum()) / max(weights.sum(), 1.0), _FLOOR))

    def posterior(self, X: Floats, seen: Flags) -> tuple[Floats, Floats]:
        """Mean (n, r) and covariance (n, r, r) of the factors given the seen cells; X is zero elsewhere."""
        d, r = self.loadings.shape
        outer = (self.loadings[:, :, None] * self.loadings[:, None, :]).reshape(d, r * r)
        precision = np.eye(r) + (seen.astype(np.float64) @ outer).reshape(len(X), r, r) / self.noise
        spread = np.asarray(np.linalg.inv(precision), dtype=np.float64)
        mean = np.einsum("nrs,ns->nr", spread, X @ self.loadings / self.noise)
        return mean, spread


@dataclass(frozen=True)
class Hidden:
    """The missing cells of rows, ready for sums: what replaces them, and how unsure that is.

    Parameters
    ----------
    rows: which rows have any (h,). numeric: (h, d) which numeric cells are missing, zero-one.
    spread: (h, r, r) Cholesky factors of the covariance of the factors given the seen cells.
    factors: the density. levels: columns of each categorical variable; lacks: (h, variables) which are missing.
    frequency: of every level, in the order of the columns after the numeric ones.
    """

    rows: Codes
    numeric: Floats
    spread: Floats
    factors: Factors
    levels: tuple[slice, ...]
    lacks: Flags
    frequency: Floats

    def added(self, weights: Floats) -> tuple[Floats, list[Floats]]:
        """What missing cells add to the scores x W, (h, k), and the parts that ``gradient`` needs.

        The log of the integral of exp(x_h W_h) over N(A x_o, S), beside the linear part that the filled cells give,
        is W_h' S W_h / 2; a categorical cell gives log sum_v f_v exp(W_v) instead of its own W_v.
        """
        d = self.numeric.shape[1]
        numeric = weights[:d]
        turned = self._turned(numeric)
        scores = 0.5 * (self.factors.noise * (self.numeric @ numeric**2) + (turned**2).sum(axis=1))
        parts = [turned]
        for variable, columns in enumerate(self.levels):
            shifted = np.log(self.frequency[columns])[:, None] + weights[d:][columns]
            top = shifted.max(axis=0)
            total = top + np.log(np.exp(shifted - top).sum(axis=0))
            parts.append(np.exp(shifted - total))
            scores += self.lacks[:, [variable]] * total
        return scores, parts

    def _turned(self, weights: Floats) -> Floats:
        """L' U' W of the missing columns: (h, r, k)."""
        d, r = self.factors.loadings.shape
        k = weights.shape[1]
        products = (self.factors.loadings[:, :, None] * weights[:, None, :]).reshape(d, r * k)
        return self.spread.transpose(0, 2, 1) @ (self.numeric @ products).reshape(len(self.rows), r, k)

    def gradient(self, weights: Floats, felt: Floats, parts: list[Floats]) -> Floats:
        """The derivative by the weights of ``(felt * added).sum()``, for felt (h, k)."""
        d = self.numeric.shape[1]
        own = self.factors.noise * weights[:d] * (self.numeric.T @ felt)
        pulled = (self.spread @ parts[0]) * felt[:, None, :]  # L L' U' W, weighted
        r, k = pulled.shape[1:]
        by_column = (self.numeric.T @ pulled.reshape(len(felt), r * k)).reshape(d, r, k)
        own += np.einsum("dr,drk->dk", self.factors.loadings, by_column)
        rest = np.zeros((len(weights) - d, weights.shape[1]))
        for variable, columns in enumerate(self.levels):
            rest[columns] += parts[variable + 1] * (self.lacks[:, variable].astype(np.float64) @ felt)
        return np.vstack([own, rest])


@dataclass(frozen=True)
class ColumnDensity:
    """The density of a modality's encoded columns within a label: factors for numbers, frequencies for categories."""

    factors: Factors
    levels: tuple[slice, ...]
    frequency: Floats

    @classmethod
    def fit(cls, numeric: Floats, codes: Codes, levels: tuple[slice, ...], frequency: Floats) -> ColumnDensity:
        """From the numeric columns (n, d), NaN where missing, less the means of their classes (codes in 0..k-1)."""
        within = numeric.copy()
        for c in np.unique(codes):
            own = numeric[codes == c]
            count = (~np.isnan(own)).sum(axis=0)
            within[codes == c] -= np.nansum(own, axis=0) / np.maximum(count, 1)
        return cls(Factors.fit(within), levels, np.maximum(frequency, _FLOOR))

    def fill(self, block: Floats, numeric: Flags, lacks: Flags) -> tuple[Floats, Hidden | None]:
        """The block (n, width) with missing cells at what the seen ones lead to expect, and the sums over them.

        ``numeric`` (n, d) and ``lacks`` (n, variables) say what is missing; None where nothing is.
        """
        rows = np.flatnonzero(numeric.any(axis=1) | lacks.any(axis=1))
        if not len(rows):
            return block, None
        d = numeric.shape[1]
        away = numeric[rows]
        X = np.where(away, 0.0, block[rows, :d])
        mean, spread = self.factors.posterior(X, ~away)
        block = block.copy()
        block[rows, :d] = np.where(away, mean @ self.factors.loadings.T, X)
        hidden = Hidden(
            rows,
            away.astype(np.float64),
            np.asarray(np.linalg.cholesky(spread), dtype=np.float64),
            self.factors,
            self.levels,
            lacks[rows],
            self.frequency,
        )
        return block, hidden
