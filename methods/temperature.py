"""One number that says how far scores are to be trusted: temperature scaling around a prior."""

from __future__ import annotations

import numpy as np

from .vectors import Codes, Floats

CLIP = 1e-6
"""Probabilities below this count as this in logarithms: a single zero must not be a veto for ever."""

_COLDEST, _HOTTEST = 0.1, 100.0


def posterior(scores: Floats, prior: Floats) -> Floats:
    """Probabilities (n, C) proportional to pi(c) exp(score(c))."""
    from scipy.special import softmax

    return softmax(scores + np.log(np.maximum(prior, CLIP)), axis=-1)


def fit_temperature(scores: Floats, codes: Codes, prior: Floats) -> float:
    """The temperature T with which pi(c) exp(score(c) / T) explains the labels best.

    Temperature scaling (Guo et al. 2017) around the prior instead of around equal classes: scores that know nothing
    (T large) say pi. With equally frequent classes it is theirs. A standard normal prior on log T keeps it finite where
    few rows are separated perfectly; without rows T is 1.

    Parameters
    ----------
    scores: shape (n, C), of rows that the scoring model did not see.
    codes: shape (n,).
    prior: pi, shape (C,).
    """
    if not len(codes):
        return 1.0
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    offset = np.log(np.maximum(prior, CLIP))
    rows = np.arange(len(codes))

    def loss(log_t: float) -> float:
        return float(log_t**2 / 2 - log_softmax(scores / np.exp(log_t) + offset, axis=1)[rows, codes].sum())

    bounds = (np.log(_COLDEST), np.log(_HOTTEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4}).x))
