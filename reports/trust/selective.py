"""What is gained by leaving the rows to a doctor that a method is least sure of: risk against coverage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def risk_coverage(y: Codes, proba: Floats) -> tuple[Floats, Floats]:
    """Shares of rows kept, the surest first, and the error rate among them: (n,) each (El-Yaniv and Wiener 2010).

    Rows with tied confidence are kept in no order: their errors are spread evenly over them.
    """
    told = proba.argmax(axis=1)
    confidence, wrong = proba[np.arange(len(y)), told], (told != y).astype(float)
    _, level = np.unique(-confidence, return_inverse=True)
    mean = np.bincount(level, weights=wrong) / np.bincount(level)
    spread = mean[np.sort(level)]
    kept = np.arange(1, len(y) + 1)
    return kept / len(y), np.cumsum(spread) / kept


def aurc(y: Codes, proba: Floats) -> float:
    """Area under the risk-coverage curve: mean risk over all coverages (Geifman, Uziel and El-Yaniv 2019)."""
    return float(risk_coverage(y, proba)[1].mean()) if len(y) else float("nan")


def excess_aurc(y: Codes, proba: Floats) -> float:
    """The area above that of a confidence which puts every error last: 0 for the best possible order."""
    wrong = np.sort((proba.argmax(axis=1) != y).astype(float))
    best = float((np.cumsum(wrong) / np.arange(1, len(y) + 1)).mean()) if len(y) else float("nan")
    return aurc(y, proba) - best
