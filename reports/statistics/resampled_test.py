"""Two methods on the splits of one task: the corrected resampled t test, and its Bayesian reading with a ROPE."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from .friedman import least_p
from .intervals import FEW_VALUES

Floats = npt.NDArray[np.float64]


def corrected_t_p(gaps: Floats, test_to_train: float) -> float:
    """Two-sided p of paired differences (J,) of splits (Nadeau and Bengio 2003, equation 9); NaN under two of them.

    Differences without any spread leave only the sign test's least p: a t of infinity would be certain after two.
    """
    known = gaps[np.isfinite(gaps)]
    if len(known) < 2:
        return float("nan")
    mean, error = known.mean(), np.sqrt((1 / len(known) + test_to_train) * known.var(ddof=1))
    if error <= 1e-15:
        return 1.0 if abs(mean) <= 1e-15 else least_p(len(known))
    return float(2 * stats.t.sf(abs(mean) / error, len(known) - 1))


def correlated_bayes(gaps: Floats, test_to_train: float, rope: float) -> tuple[float, float, float]:
    """Probabilities that the mean difference lies below, within and above +- rope.

    The posterior of the Bayesian correlated t test (Corani and Benavoli 2015) is the sampling distribution of the
    corrected t: Student's with J - 1 degrees of freedom around the mean. NaN under two differences, and under
    ``FEW_VALUES`` that are all equal.
    """
    known = gaps[np.isfinite(gaps)]
    if len(known) < 2:
        return (float("nan"),) * 3
    mean, error = known.mean(), np.sqrt((1 / len(known) + test_to_train) * known.var(ddof=1))
    if error <= 1e-15:
        if len(known) < FEW_VALUES:
            return (float("nan"),) * 3
        below, above = float(mean < -rope), float(mean > rope)
    else:
        below = float(stats.t.cdf(-rope, len(known) - 1, mean, error))
        above = float(stats.t.sf(rope, len(known) - 1, mean, error))
    return below, 1 - below - above, above
