"""What hidden states look like: Gaussian emissions that start from one clustering of all training points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..vectors import Codes, Floats
from .gaussian import FLOOR


@dataclass(frozen=True)
class Emissions:
    """Independent Gaussians of F values given one of S states: ``mean`` and ``variance``, each (S, F)."""

    mean: Floats
    variance: Floats

    def log_density(self, points: Floats) -> Floats:
        """log p(x | state) of points (n, T, F), shape (n, T, S); a missing value (NaN) drops its factor."""
        n, T, F = points.shape
        flat = points.reshape(n * T, F)
        seen = ~np.isnan(flat)
        z = np.where(seen, flat, 0.0)
        precision = 1.0 / self.variance
        constant = precision * self.mean**2 + np.log(2 * np.pi * self.variance)
        quadratic = z**2 @ precision.T - 2.0 * z @ (precision * self.mean).T + seen.astype(np.float64) @ constant.T
        return -0.5 * quadratic.reshape(n, T, -1)

    def updated(self, points: Floats, states: Floats, strength: float) -> Emissions:
        """Means and variances of points (n, T, F) under state probabilities (n, T, S).

        These emissions are the prior, which weighs ``strength`` points in each state: for the mean m0 and variance v0
        of the prior, m = (sum x + strength m0) / (N + strength) and
        v = (sum (x - m)^2 + strength ((m - m0)^2 + v0)) / (N + strength).
        """
        flat, weights = points.reshape(-1, points.shape[2]), states.reshape(-1, states.shape[2])
        seen = ~np.isnan(flat)
        # Around the prior's means sums of squares lose no digits: points are in units of their own spread.
        z = np.where(seen, flat, 0.0)
        counts = weights.T @ seen.astype(np.float64)
        sums = weights.T @ z - counts * self.mean
        squares = weights.T @ z**2 - 2 * self.mean * (weights.T @ z) + counts * self.mean**2
        rows = np.maximum(counts + strength, np.finfo(float).tiny)
        step = sums / rows
        variance = (squares - 2 * step * sums + (counts + strength) * step**2 + strength * self.variance) / rows
        return Emissions(self.mean + step, np.maximum(variance, FLOOR))


def cluster(points: Floats, states: int, near: Floats | None = None) -> tuple[Emissions, Codes]:
    """Emissions of at most ``states`` clusters of points (P, F), and each point's cluster.

    k-means from centres that stand evenly on the range of the first principal component: nothing is drawn by lot, so
    that the order of rows does not matter. Points with a missing value take the mean there, for the start only.

    Parameters
    ----------
    near: what is clustered in place of the points, such as means over their neighbourhoods; the points when None.
    """
    from sklearn.cluster import KMeans

    mean, whole = _centred(points)
    centred = whole if near is None else _centred(near)[1]
    _, axes = np.linalg.eigh(centred.T @ centred)
    score = centred @ axes[:, -1]
    # Fewer clusters than states where points repeat: an empty cluster would have no variance.
    states = min(states, len(np.unique(centred.round(9), axis=0)))
    edges = np.linspace(score.min(), score.max(), 2 * states + 1)[1::2]
    nearest = np.abs(score[:, None] - edges).argmin(axis=0)
    start = np.unique(centred[nearest].round(9), axis=0)
    labels = KMeans(len(start), init=start, n_init=1, max_iter=50).fit(centred).labels_.astype(np.intp)
    member = (labels[:, None] == np.arange(len(start))).astype(np.float64)
    counts = np.maximum(member.sum(axis=0)[:, None], 1.0)
    centres = member.T @ whole / counts
    spread = ((whole - centres[labels]) ** 2).mean(axis=0)
    # One spread for all clusters at first: k-means assumes as much.
    return Emissions(centres + mean, np.tile(np.maximum(spread, FLOOR), (len(start), 1))), labels


def moving_mean(points: Floats, window: int) -> Floats:
    """Means over ``window`` neighbours in time of points (n, T, F), fewer at the ends; NaN where all are missing."""
    if window == 1:
        return points
    seen = ~np.isnan(points)
    T = points.shape[1]
    low = np.maximum(np.arange(T) - window // 2, 0)
    high = np.minimum(np.arange(T) - window // 2 + window, T)

    def sums(values: Floats) -> Floats:
        total = np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0), (0, 0)))
        return total[:, high] - total[:, low]

    counts = sums(seen.astype(np.float64))
    return np.where(counts > 0, sums(np.where(seen, points, 0.0)) / np.maximum(counts, 1.0), np.nan)


def _centred(points: Floats) -> tuple[Floats, Floats]:
    """Means of the columns (F,), and the points around them, 0 where missing."""
    known = ~np.isnan(points)
    mean = np.where(known, points, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return mean, np.where(known, points, mean) - mean


@dataclass(frozen=True)
class Scaler:
    """Features of points in units of their own spread over all training points."""

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, points: Floats) -> Scaler:
        """From points (n, T, F), NaN where missing; a constant feature keeps its unit."""
        flat = points.reshape(-1, points.shape[2])
        known = ~np.isnan(flat)
        counts = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, flat, 0.0).sum(axis=0) / counts
        scale = np.sqrt((np.where(known, flat - mean, 0.0) ** 2).sum(axis=0) / counts)
        return cls(mean, np.where(scale > 1e-12 * np.abs(mean), scale, 1.0))

    def __call__(self, points: Floats) -> Floats:
        """Standardised points."""
        return (points - self.mean) / self.scale
