"""Sets of classes that hold the true one as often as promised (split conformal prediction)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Sets = npt.NDArray[np.bool_]


def threshold(scores: Floats, miss: float) -> float:
    """The ``ceil((n + 1) (1 - miss))``-th smallest of n scores; infinite where n is too small to promise anything."""
    n = len(scores)
    rank = int(np.ceil((n + 1) * (1 - miss) - 1e-9))
    return float(np.sort(scores)[rank - 1]) if 1 <= rank <= n else float("inf")


def least_ambiguous(y: Codes, validation: Floats, proba: Floats, miss: float) -> Sets:
    """Classes whose probability is high enough, one threshold for all (Sadinle, Lei and Wasserman 2019): (m, C)."""
    limit = threshold(1 - validation[np.arange(len(y)), y], miss)
    return 1 - proba <= limit


def by_class(y: Codes, validation: Floats, proba: Floats, miss: float) -> Sets:
    """A threshold for each class, so that every class is covered alike (Mondrian; Vovk 2012): (m, C)."""
    own = 1 - validation[np.arange(len(y)), y]
    limits = np.array([threshold(own[y == c], miss) for c in range(proba.shape[1])])
    return 1 - proba <= limits


def adaptive(y: Codes, validation: Floats, proba: Floats, miss: float) -> Sets:
    """Classes from the most probable down, until enough mass is gathered (Romano, Sesia and Candes 2020): (m, C).

    Without the random part of that paper: the class that crosses the threshold is taken in, so that sets are never
    empty and cover a little more than promised.
    """
    limit = threshold(_mass_above(validation)[np.arange(len(y)), y], miss)
    return _mass_above(proba) <= limit


def _mass_above(proba: Floats) -> Floats:
    """For every class the mass of the classes before it, from the most probable down: (n, C)."""
    order = np.argsort(-proba, axis=1, kind="stable")
    ordered = np.take_along_axis(proba, order, axis=1)
    before = np.cumsum(ordered, axis=1) - ordered
    found = np.empty_like(before)
    np.put_along_axis(found, order, before, axis=1)
    return found


KINDS: Mapping[str, Callable[[Codes, Floats, Floats, float], Sets]] = {
    "one threshold": least_ambiguous,
    "by class": by_class,
    "adaptive": adaptive,
}


def coverage(y: Codes, sets: Sets) -> float:
    """Share of rows whose set holds the true class."""
    return float(sets[np.arange(len(y)), y].mean()) if len(y) else float("nan")


def class_coverage(y: Codes, sets: Sets) -> Floats:
    """The same for the rows of each class, (C,); NaN for a class without rows."""
    held = sets[np.arange(len(y)), y]
    return np.array([held[y == c].mean() if (y == c).any() else np.nan for c in range(sets.shape[1])])
