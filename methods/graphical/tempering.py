"""How much of a likelihood is to be believed: the power that out-of-fold evidence deserves."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from ..vectors import Codes, Floats

FOLDS = 2
"""Inner folds of the evidence: half of the rows learn twice, so that all costs two to three plain fits."""


def power(logs: Floats, codes: Codes, prior: Floats) -> float:
    """The power w in (0, 1] with which p(c | x) ~ p(c) p(x | c)^w explains the classes best.

    A likelihood that takes dependent observations for independent ones counts the same evidence many times; a power
    below 1 takes that back (the learning rate of Gruenwald 2012, "The safe Bayesian"; the inverse of the temperature
    of Guo et al. 2017). It is never above 1: no observation counts more than once, and evidence that can be taken at
    its word stays exactly as it is. The posterior mode under the density 2 w keeps it from zero. What is maximised,
    log w + sum_i log p(c_i | x_i), is concave in w.

    Parameters
    ----------
    logs: log p(x | c), shape (n, k), of rows that the model did not see; a constant of the row does not matter.
    codes: classes of the rows, shape (n,).
    prior: p(c), shape (k,), positive.
    """
    gained = logs - logs[np.arange(len(codes)), codes][:, None]

    def slope(log_w: float) -> float:
        w = np.exp(log_w)
        return float(1.0 / w - (softmax(np.log(prior) + w * gained, axis=1) * gained).sum())

    if slope(0.0) >= 0:
        return 1.0
    # No row can pull harder than its most wrong class is ahead.
    return float(np.exp(brentq(slope, -np.log(1.0 + gained.max(axis=1).sum()), 0.0)))
