"""Intervals, comparisons and ranks that fit repeated cross-validation, single test sets and few tasks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..metrics.cards import Direction

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

LEVEL = 0.95
RESAMPLES = 1000
TASK_RESAMPLES = 4000
FEW_VALUES, FEW_SUBJECTS = 5, 10
"""Under so many equal values, or bootstrapped subjects, no spread is no certainty: there is no interval then."""
_NIL = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval: ``low`` and ``high`` are NaN where there is none; ``n`` values stand behind it."""

    value: float
    low: float = float("nan")
    high: float = float("nan")
    n: int = 0

    @property
    def known(self) -> bool:
        """Whether there is a figure at all."""
        return bool(np.isfinite(self.value))

    @property
    def bounded(self) -> bool:
        """Whether there is an interval."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    @property
    def spread(self) -> bool:
        """Whether there is an interval that is wider than nothing: only such a one is shown."""
        return self.bounded and self.half > _NIL

    @property
    def symmetric(self) -> bool:
        """Whether the figure stands in the middle of its interval."""
        return self.bounded and abs(self.high + self.low - 2 * self.value) <= 1e-9 + 0.02 * self.half

    def excludes(self, value: float) -> bool:
        """Whether the interval is known and leaves the value outside."""
        return self.bounded and not self.low <= value <= self.high


UNKNOWN = Estimate(float("nan"))


def corrected_t(values: Floats, test_to_train: float, level: float = LEVEL, center: float | None = None) -> Estimate:
    """Mean of the values of J splits with the corrected resampled t interval.

    The variance of the mean is ``(1 / J + test_to_train) * s**2`` with J - 1 degrees of freedom (Nadeau and Bengio
    2003, eq. 9): training sets overlap, so that the usual 1 / J alone is far too small.

    Parameters
    ----------
    values: (J,) scores, or paired differences, of the splits; NaN are left out. Fewer than ``FEW_VALUES`` that are all
        equal have no interval: one of no width would call them certain.
    test_to_train: rows of a test set over rows of its training set (1 / (k - 1) in k-fold cross-validation).
        0 gives the ordinary t interval of independent values.
    center: the figure to put the interval around; the mean by default.
    """
    known = values[np.isfinite(values)]
    n = len(known)
    if n == 0:
        return UNKNOWN
    middle = float(known.mean()) if center is None else center
    if n == 1 or (n < FEW_VALUES and np.ptp(known) <= _NIL):
        return Estimate(middle, n=n)
    half = float(_t_quantile((1 + level) / 2, n - 1) * np.sqrt((1 / n + test_to_train) * known.var(ddof=1)))
    return Estimate(middle, middle - half, middle + half, n)


@cache
def _t_quantile(probability: float, freedom: int) -> float:
    """Student's quantile: the same few are asked for thousands of times."""
    return float(stats.t.ppf(probability, freedom))


def percentile(value: float, draws: Floats, level: float = LEVEL) -> Estimate:
    """A figure with the percentile interval of its bootstrap draws; undefined draws are left out."""
    known = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(known) < 2:
        return Estimate(float(value), n=len(known))
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(value), float(low), float(high), len(known))


def subject_weights(groups: Codes, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Case weights (B, n) of a bootstrap that draws whole subjects with replacement: all rows of one go together."""
    _, code = np.unique(groups, return_inverse=True)
    subjects = int(code.max()) + 1
    rng = np.random.default_rng(seed)
    times = rng.multinomial(subjects, np.full(subjects, 1 / subjects), size=resamples)
    return times[:, code].astype(np.float64)


def pseudo_values(whole: float, without: Floats) -> Floats:
    """Jackknife pseudo-values ``k * whole - (k - 1) * without`` of k left-out folds: (k,).

    For a mean over folds of equal size they are the folds' own means, so that the corrected t of fold scores extends to
    metrics that are computed on all rows at once.
    """
    k = len(without)
    return k * whole - (k - 1) * without


def losses(values: Floats, direction: Direction) -> Floats:
    """The values turned so that less is better: as they are, negated, or their distance from zero."""
    if direction == "lower":
        return values
    return -values if direction == "higher" else np.abs(values)


def gain(difference: Estimate, direction: Direction) -> Estimate:
    """A difference of scores turned so that above zero is better."""
    if direction == "higher":
        return difference
    return Estimate(-difference.value, -difference.high, -difference.low, difference.n)


def ranks(values: Floats, direction: Direction) -> Floats:
    """Ranks (T, M) of M methods on each of T tasks, 1 for the best, ties sharing their mean rank."""
    return stats.rankdata(losses(np.round(values, 12), direction), axis=1)


def win_rates(values: Floats, direction: Direction) -> Floats:
    """Share of the other methods that each one beats on each task, ties one half: (T, M); NaN for one method."""
    others = values.shape[1] - 1
    if others < 1:
        return np.full(values.shape, np.nan)
    return (values.shape[1] - ranks(values, direction)) / others


def task_draws(tasks: int, resamples: int = TASK_RESAMPLES, seed: int = 0) -> Codes:
    """Indices (B, T) of a bootstrap over tasks."""
    return np.random.default_rng(seed).integers(0, tasks, size=(resamples, tasks))


def over_tasks(values: Floats, draws: Codes) -> list[Estimate]:
    """Mean over tasks of each column of (T, M), with the task bootstrap's percentile interval (none for one task)."""
    middles = values.mean(axis=0)
    if len(values) < 2:
        return [Estimate(float(v), n=len(values)) for v in middles]
    tasks = len(values)
    times = np.bincount((draws + tasks * np.arange(len(draws))[:, None]).ravel(), minlength=draws.shape[0] * tasks)
    resampled = times.reshape(len(draws), tasks) @ values / draws.shape[1]
    return [percentile(float(v), resampled[:, m]) for m, v in enumerate(middles)]
