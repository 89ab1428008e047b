"""Explains a fitted method on some test rows, after all that is timed; what goes wrong is a sentence, not a failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Samples
from fusebench.methods.attribution import Attribution
from fusebench.methods.base import Method
from fusebench.methods.shapley import MOST_MODALITIES, coalition_worths, shapley_values

from .explanation import Explanation

MOST_ROWS = 200
"""Test rows whose predictions are shared out among modalities, evenly spaced."""

MOST_ATTRIBUTED = 100
"""Of these, rows whose gradients are taken, evenly spaced."""

MOST_SECONDS = 20.0
"""Shapley values are left out where their predictions would take longer, and gradients likewise."""

# Gradients at some dozens of points of a path, each dearer than a prediction: what that comes to in predictions.
_GRADIENTS_IN_PREDICTIONS = 300


def explain(
    method: Method,
    samples: Samples,
    y: npt.NDArray[np.int64],
    rows: npt.NDArray[np.intp],
    seconds: Callable[[int], float],
) -> Explanation | None:
    """Shapley values over the modalities, and attributions within them; None where a method can tell neither.

    Parameters
    ----------
    method: fitted. samples, y: the test rows and their classes. rows: (n,) their positions in the task.
    seconds: what predicting so many rows at once takes, to know beforehand what would take too long.
    """
    chosen = evenly_spaced(len(rows), MOST_ROWS)
    samples, y, rows = samples[chosen], y[chosen], rows[chosen]
    reasons: list[str] = []
    worths = None
    if len(samples.names) > 1 and method.card.handles_missing in ("modalities", "both"):
        worths = _worths(method, samples, y, seconds(len(samples)), reasons)
    attributions: Mapping[str, Attribution] = {}
    attributed = evenly_spaced(len(rows), MOST_ATTRIBUTED)
    if seconds(len(attributed)) * _GRADIENTS_IN_PREDICTIONS <= MOST_SECONDS:
        try:
            attributions = method.attributions(samples[attributed])
        except Exception as error:
            reasons.append(f"Attributions failed: {_line(error)}")
    if worths is None and not attributions and not reasons:
        return None
    return Explanation(
        rows=rows.astype(np.int64),
        modalities=samples.names,
        shapley=None if worths is None else shapley_values(worths).astype(np.float32),
        nothing=None if worths is None else worths[0].astype(np.float32),
        attributions=attributions,
        reasons=tuple(reasons),
    )


def _worths(
    method: Method, samples: Samples, y: npt.NDArray[np.int64], seconds: float, reasons: list[str]
) -> npt.NDArray[np.float64] | None:
    """What coalitions of modalities are worth, or None and a reason; ``seconds``: of one prediction of the rows."""
    modalities = len(samples.names)
    if modalities > MOST_MODALITIES:
        reasons.append(f"Shapley values are exact, over all subsets, and so for up to {MOST_MODALITIES} modalities.")
    elif seconds * 2**modalities > MOST_SECONDS:
        reasons.append(f"Shapley values were left out where they would take more than {MOST_SECONDS:.0f} s.")
    else:
        try:
            return coalition_worths(method, samples, y)
        except Exception as error:
            reasons.append(f"Shapley values failed: {_line(error)}")
    return None


def evenly_spaced(n: int, most: int) -> npt.NDArray[np.intp]:
    """At most so many of n positions, in order, at equal distances."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
