"""Areas under ROC curves of several methods on the same rows, with their covariance (DeLong et al. 1988)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from .intervals import LEVEL, UNKNOWN, Estimate

Floats = npt.NDArray[np.float64]


def delong(positive: npt.NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Areas (M,) and their covariance (M, M), by midranks (Sun and Xu 2014); rows are taken as independent.

    Parameters
    ----------
    positive: (n,) which rows are of the class that scores speak for. scores: (M, n).

    Raises
    ------
    ValueError: fewer than two rows of either class.
    """
    cases, controls = scores[:, positive], scores[:, ~positive]
    m, n = cases.shape[1], controls.shape[1]
    if min(m, n) < 2:
        raise ValueError(f"DeLong needs two rows of either class, got {m} and {n}")
    among_all = stats.rankdata(np.hstack([cases, controls]), axis=1)
    above = (among_all[:, :m] - stats.rankdata(cases, axis=1)) / n  # of each case: the share of controls below it
    below = 1 - (among_all[:, m:] - stats.rankdata(controls, axis=1)) / m
    covariance = np.atleast_2d(np.cov(above)) / m + np.atleast_2d(np.cov(below)) / n
    return above.mean(axis=1), covariance


def delong_difference(
    positive: npt.NDArray[np.bool_], first: Floats, second: Floats, level: float = LEVEL
) -> tuple[Estimate, float]:
    """First area minus second with its normal interval, and the two-sided p; unknown where a class has one row.

    A variance estimated as zero gives no interval: ranks are the same, or a perfect order stands against a constant.
    """
    if min(positive.sum(), (~positive).sum()) < 2:
        return UNKNOWN, float("nan")
    areas, covariance = delong(positive, np.stack([first, second]))
    gap = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if variance <= 1e-18:
        return Estimate(gap, n=len(positive)), 1.0 if abs(gap) < 1e-12 else float("nan")
    error = variance**0.5
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    return Estimate(gap, gap - half, gap + half, len(positive)), float(2 * stats.norm.sf(abs(gap) / error))
