"""Weights on the simplex: of a mixture, learnt from what its components said about known outcomes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def mixture_weights(
    likelihood: npt.NDArray[np.float64], prior: float = 1.0, steps: int = 200
) -> npt.NDArray[np.float64]:
    """Weights w on the simplex, shape (K,), that maximise sum_i log(sum_k w_k l_ik) + prior sum_k log w_k.

    By expectation maximisation. In a row where some components are silent the others share the row in proportion to
    their weight, and the row says nothing about the silent ones: complete rows alone give the maximum above.

    Parameters
    ----------
    likelihood: l_ik, shape (n, K): what component k gave to the outcome that row i had; NaN where it was silent.
    prior: rows that every component gets for free; keeps weights off zero, and equal when n is 0.
    """
    n, k = likelihood.shape
    silent = np.isnan(likelihood)
    given = np.where(silent, 0.0, np.maximum(likelihood, np.finfo(float).tiny))
    weights = np.full(k, 1.0 / max(k, 1))
    for _ in range(steps):
        shares = weights * given
        total = shares.sum(axis=1, keepdims=True)
        heard = (weights * ~silent).sum(axis=1, keepdims=True)
        shares = np.where(silent, weights, shares * (heard / np.where(total > 0, total, 1.0)))
        weights = (shares.sum(axis=0) + prior) / (n + prior * k)
    return weights
