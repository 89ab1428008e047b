"""Many methods over tasks: Friedman's test, pairs with Holm's correction, and the critical difference of ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Friedman:
    """``chi2`` with its p, and ``f`` of Iman and Davenport (1980) with its p; NaN where they are undefined."""

    chi2: float
    p_chi2: float
    f: float
    p_f: float


def friedman(values: Floats) -> Friedman:
    """Whether M methods differ, from losses or scores (T, M), with ties corrected (Demsar 2006, section 3.2)."""
    tasks, methods = values.shape
    undefined = Friedman(*(float("nan"),) * 4)
    if methods < 3 or tasks < 2 or (np.ptp(np.round(values, 12), axis=1) == 0).all():
        return undefined
    chi2, p = stats.friedmanchisquare(*np.round(values, 12).T)
    rest = tasks * (methods - 1) - chi2
    f = float((tasks - 1) * chi2 / rest) if rest > 1e-12 else float("inf")
    return Friedman(float(chi2), float(p), f, float(stats.f.sf(f, methods - 1, (methods - 1) * (tasks - 1))))


def holm(p: Floats) -> Floats:
    """P values adjusted for their number (Holm 1979); NaN are no tests and stay."""
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = (len(order) - np.arange(len(order))) * p[order]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else []
    return adjusted


def wilcoxon_p(gaps: Floats) -> float:
    """Two-sided p of the signed-rank test of gains (T,), exact where SciPy can; 1 where none differs from zero."""
    known = np.round(gaps[np.isfinite(gaps)], 12)
    if not len(known):
        return float("nan")
    return 1.0 if not known.any() else float(stats.wilcoxon(known).pvalue)


def least_p(count: int) -> float:
    """The smallest two-sided p of a signed-rank or sign test: one method wins on all of so many tasks or splits."""
    return float(min(1.0, 2.0 ** (1 - count)))


def critical_difference(methods: int, tasks: int, alpha: float = 0.05) -> float:
    """Nemenyi's least difference of mean ranks that tells two of the methods apart (Demsar 2006, section 3.2.2)."""
    quantile = stats.studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * tasks)))


def cliques(ranks: Floats, difference: float) -> list[tuple[int, int]]:
    """Runs of methods, by place in ascending ``ranks`` (M,), that the critical difference does not tell apart.

    Only runs that no other one holds, of two methods or more: first and last place of each.
    """
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + difference, side="right")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
