"""One metric of all methods on one task: figures, intervals, and who cannot be told from the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .metrics.cards import Direction
from .statistics.intervals import UNKNOWN, Estimate, corrected_t, losses, percentile

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """One metric of all methods on one task.

    Parameters
    ----------
    methods: names; direction: which way is better.
    points: (M,) figures; NaN where there is none.
    values: (M, J) what the intervals come from: scores (or pseudo-values) of J splits, or J bootstrap draws.
    test_to_train: ratio of the corrected t; None when ``values`` are bootstrap draws.
    complete: (M,) whether every split of the task succeeded: only such methods are ranked and marked.
    """

    methods: tuple[str, ...]
    direction: Direction
    points: Floats
    values: Floats
    test_to_train: float | None
    complete: npt.NDArray[np.bool_]

    def only(self, methods: Sequence[str]) -> Scores:
        """The same scores of some of the methods."""
        places = [self.methods.index(name) for name in methods]
        return replace(
            self,
            methods=tuple(methods),
            points=self.points[places],
            values=self.values[places],
            complete=self.complete[places],
        )

    def estimate(self, method: str) -> Estimate:
        """A method's figure with its interval."""
        m = self.methods.index(method)
        found = self._interval(self.values[m], float(self.points[m]))
        if self.test_to_train is None and self.direction == "lower" and found.bounded:
            return replace(found, low=max(found.low, 0.0))  # centred draws may cross the bound of losses
        return found

    def difference(self, first: str, second: str) -> Estimate:
        """First minus second, paired by split or by bootstrap draw; for the direction "zero", of absolute values."""
        a, b = self.methods.index(first), self.methods.index(second)
        if not (np.isfinite(self.points[a]) and np.isfinite(self.points[b])):
            return UNKNOWN
        if self.direction == "zero":
            signs = np.sign(self.points[[a, b]])
            gap = signs[0] * self.values[a] - signs[1] * self.values[b]
            point = float(abs(self.points[a]) - abs(self.points[b]))
        else:
            gap, point = self.values[a] - self.values[b], float(self.points[a] - self.points[b])
        if self.test_to_train is not None and not (self.complete[a] and self.complete[b]):
            shared = np.isfinite(gap)
            point = float(gap[shared].mean()) if shared.any() else float("nan")
        return self._interval(gap, point)

    @cached_property
    def best(self) -> str | None:
        """The best among complete methods; None when there is none."""
        candidates = np.where(self.complete, losses(self.points, self.direction), np.nan)
        return self.methods[int(np.nanargmin(candidates))] if np.isfinite(candidates).any() else None

    @cached_property
    def tied(self) -> frozenset[str]:
        """Complete methods whose paired interval against the best holds zero or is unknown, without the best itself."""
        if self.best is None:
            return frozenset()
        return frozenset(
            name
            for name, complete, point in zip(self.methods, self.complete, self.points, strict=True)
            if complete
            and name != self.best
            and np.isfinite(point)
            and not self.difference(name, self.best).excludes(0.0)
        )

    def _interval(self, values: Floats, point: float) -> Estimate:
        if not np.isfinite(point):
            return UNKNOWN
        if self.test_to_train is None:
            return percentile(point, values)
        return corrected_t(values, self.test_to_train, center=point)
