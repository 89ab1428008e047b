"""Two methods on the splits of one task: the corrected resampled t test, and its Bayesian reading with a ROPE."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


def corrected_t_p(gaps: Floats, test_to_train: float) -> float:
    """Two-sided p of paired differences (J,) of splits (Nadeau and Bengio 2003, equation 9); NaN under two of them."""
    known = gaps[np.isfinite(gaps)]
    if len(known) < 2:
        return float("nan")
    mean, error = known.mean(), np.sqrt((1 / len(known) + test_to_train) * known.var(ddof=1))
    if error <= 1e-15:
        return 1.0 if abs(mean) <= 1e-15 else 0.0
    return float(2 * stats.t.sf(abs(mean) / error, len(known) - 1))


def correlated_bayes(gaps: Floats, test_to_train: float, rope: float) -> tuple[float, float, float]:
    """Probabilities that the mean difference lies below, within and above +- rope.

    The posterior of the Bayesian correlated t test (Corani and Benavoli 2015) is the sampling distribution of the
    corrected t: Student's with J - 1 degrees of freedom around the mean. NaN under two differences.
    """
    known = gaps[np.isfinite(gaps)]
    if len(known) < 2:
        return (float("nan"),) * 3
    mean, error = known.mean(), np.sqrt((1 / len(known) + test_to_train) * known.var(ddof=1))
    if error <= 1e-15:
        below, above = float(mean < -rope), float(mean > rope)
    else:
        below = float(stats.t.cdf(-rope, len(known) - 1, mean, error))
        above = float(stats.t.sf(rope, len(known) - 1, mean, error))
    return below, 1 - below - above, above
