"""Linear Gaussian networks: from the moments of present cells to coefficients, and exact densities of what is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..vectors import Codes, Floats
from .gaussian import FLOOR

Parents = list[list[int]]
"""Each column's parents."""


@dataclass(frozen=True)
class PairMoments:
    """Moments of columns within classes over present cells.

    ``rows`` (k, D, D): rows in which both columns are present; ``mean`` (k, D): each column's mean;
    ``products`` (k, D, D): sums of products of deviations from the means over those rows.
    """

    rows: Floats
    mean: Floats
    products: Floats

    @classmethod
    def of(cls, Z: Floats, codes: Codes, k: int) -> PairMoments:
        """From standardised rows Z (n, D), NaN where missing; a class without a column takes its mean, zero."""
        D = Z.shape[1]
        rows, mean, products = np.zeros((k, D, D)), np.zeros((k, D)), np.zeros((k, D, D))
        for c in range(k):
            own = Z[codes == c]
            seen = ~np.isnan(own)
            filled = np.where(seen, own, 0.0)
            mean[c] = filled.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
            deviation = np.where(seen, own - mean[c], 0.0)
            weights = seen.astype(np.float64)
            rows[c] = weights.T @ weights
            products[c] = deviation.T @ deviation
        return cls(rows, mean, products)

    def covariances(self, strength: float, shared: bool, shrinkage: float | None) -> Floats:
        """One covariance a class, (k, D, D), or one for all, (1, D, D); see ``ConditionalGaussian`` for the rules.

        Pairs that were never seen together count as uncorrelated.
        """
        pooled_rows = self.rows.sum(axis=0)
        pooled = self.products.sum(axis=0) / np.maximum(pooled_rows, 1.0)
        if shared:
            return shrink(pooled, float(pooled_rows.max(initial=0.0)), shrinkage)[None]
        rows = self.rows + strength
        own = (self.products + strength * pooled) / np.where(rows > 0, rows, 1.0)
        sizes = self.rows.max(axis=(1, 2), initial=0.0) + strength
        return np.stack([shrink(one, float(size), shrinkage) for one, size in zip(own, sizes, strict=True)])


def shrink(covariance: Floats, rows: float, shrinkage: float | None) -> Floats:
    """Covariances (D, D) multiplied by 1 - shrinkage, variances kept but for the floor.

    None: the oracle-approximating intensity of the correlation matrix R for ``rows`` rows (Chen, Wiesel, Eldar and
    Hero 2010, equation 23), min(1, ((1 - 2/D) tr R^2 + D^2) / ((rows + 1 - 2/D) (tr R^2 - D))).
    """
    variances = np.maximum(np.diag(covariance), FLOOR)
    D = len(variances)
    if shrinkage is None:
        spread = np.sqrt(variances)
        R = covariance / spread / spread[:, None]
        np.fill_diagonal(R, 1.0)
        square = float((R**2).sum())
        top, below = (1 - 2 / D) * square + D**2, (rows + 1 - 2 / D) * (square - D)
        shrinkage = min(1.0, top / below) if below > 0 else 1.0
    shrunk = (1.0 - shrinkage) * covariance
    np.fill_diagonal(shrunk, variances)
    return shrunk


def pair_information(covariances: Floats, weights: Floats) -> Floats:
    """I(X_i; X_j | C) = -1/2 sum_c p(c) ln(1 - r_ijc^2) of Gaussian columns in nats, (D, D), zero on the diagonal."""
    spread = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    r = covariances / spread[:, None, :] / spread[:, :, None]
    # Copies of a column have infinite information; the floor of the residual variance makes it large.
    information = -0.5 * np.log(np.maximum(1.0 - r**2, FLOOR))
    total = np.tensordot(weights, information, axes=1)
    np.fill_diagonal(total, 0.0)
    return total


@dataclass(frozen=True)
class Regressions:
    """x = B x + e with B strictly triangular in some order of the columns, var e = residual: (k, D, D) and (k, D)."""

    coefficients: Floats
    residual: Floats

    @classmethod
    def of(cls, covariances: Floats, parents: Parents) -> Regressions:
        """Regress every column on its parents in each covariance; residual variances stay above the floor."""
        k, D, _ = covariances.shape
        B, residual = np.zeros((k, D, D)), np.zeros((k, D))
        for c, S in enumerate(covariances):
            for j, above in enumerate(parents):
                if above:
                    # Least squares by the pseudo-inverse: collinear parents share their coefficient.
                    block = S[np.ix_(above, above)]
                    B[c, j, above] = np.linalg.lstsq(block, S[above, j], rcond=1e-10)[0]
                residual[c, j] = max(S[j, j] - B[c, j, above] @ S[above, j], FLOOR * S[j, j])
        return cls(B, residual)

    @classmethod
    def full(cls, covariances: Floats) -> Regressions:
        """Every column on all before it: the triangular factors of covariances that are positive definite."""
        lower = np.linalg.cholesky(covariances)
        scale = np.diagonal(lower, axis1=1, axis2=2)
        unit = lower / scale[:, None, :]
        identity = np.eye(covariances.shape[1])
        return cls(identity - np.linalg.inv(unit), scale**2)

    def covariances(self) -> Floats:
        """The covariances that the regressions imply: (I - B)^-1 diag(residual) (I - B)^-T."""
        spread = np.linalg.inv(np.eye(self.residual.shape[1]) - self.coefficients)
        return (spread * self.residual[:, None, :]) @ spread.transpose(0, 2, 1)


def positive(covariances: Floats) -> Floats:
    """The covariances with eigenvalues raised to the floor where they are below it (copies, more columns than rows)."""
    values, vectors = np.linalg.eigh(covariances)
    if (values >= FLOOR).all():
        return covariances
    return (vectors * np.maximum(values, FLOOR)[:, None, :]) @ vectors.transpose(0, 2, 1)


def log_densities(Z: Floats, mean: Floats, covariances: Floats) -> Floats:
    """log N(z_seen; mean, covariance) of every row in every class, (n, k); missing cells (NaN) are integrated out.

    The marginal of a Gaussian is the Gaussian of the rest, so that rows with the same cells missing share one
    Cholesky factor a class. ``mean``: (k, D); ``covariances``: (k, D, D), or (1, D, D) shared by the classes.
    """
    from scipy.linalg import solve_triangular

    logs = np.zeros((len(Z), len(mean)))
    for rows, seen in _patterns(~np.isnan(Z)):
        if not len(seen):
            continue
        lower = np.linalg.cholesky(covariances[:, seen[:, None], seen])
        half_logdet = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        X = Z[np.ix_(rows, seen)]
        for c in range(len(mean)):
            own = c if len(covariances) > 1 else 0
            white = solve_triangular(lower[own], (X - mean[c, seen]).T, lower=True, check_finite=False)
            logs[rows, c] = -0.5 * (white**2).sum(axis=0) - half_logdet[own] - 0.5 * len(seen) * np.log(2 * np.pi)
    return logs


def _patterns(seen: npt.NDArray[np.bool_]) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Rows that share the same present columns, and those columns."""
    packed = np.packbits(seen, axis=1)
    which = np.unique(packed, axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(which, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(which))[:-1]):
        yield rows, np.flatnonzero(seen[rows[0]])
