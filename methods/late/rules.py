"""Late rules as pure functions of the experts' probabilities: an expert that is silent in a row drops out of it."""

from __future__ import annotations

import numpy as np

from ..temperature import posterior
from ..vectors import Floats
from .evidence import evidence


def largest(proba: Floats, prior: Floats) -> Floats:
    """F3: s(c) = max_m p_m(c), scaled to sum to 1.

    Parameters
    ----------
    proba: shape (M, n, C), NaN where expert m is silent in a row.
    prior: shape (C,), what a row gets in which all are silent.
    """
    return _or_prior(np.where(np.isnan(proba), 0.0, proba).max(axis=0, initial=0.0), prior)


def mean(proba: Floats, prior: Floats, weights: Floats | None = None) -> Floats:
    """F4: s(c) = sum_m w_m p_m(c), the weights (M,) scaled to sum to 1 over the experts that speak; equal when omitted.

    See ``largest`` for ``proba`` and ``prior``. A row in which only experts of weight 0 speak gets the prior.
    """
    w = np.ones(len(proba)) if weights is None else np.asarray(weights)
    return _or_prior(np.einsum("m,mnc->nc", w, np.where(np.isnan(proba), 0.0, proba)), prior)


def product(proba: Floats, prior: Floats, priors: Floats | None = None) -> Floats:
    """F5: s(c) ~ pi(c) prod_m p_m(c) / pi_m(c), which is pi(c)^(1-M) prod_m p_m(c) when all experts have one prior.

    Exact when the modalities are independent given the class. An expert that says its prior changes nothing.

    Parameters
    ----------
    proba, prior: see ``largest``.
    priors: pi_m, shape (M, C): class frequencies among the rows that each expert learnt from; ``prior`` when omitted.
    """
    base = prior[None, :] if priors is None else priors
    return posterior(evidence(proba, base[:, None, :]).sum(axis=0), prior)


def _or_prior(scores: Floats, prior: Floats) -> Floats:
    total = scores.sum(axis=1, keepdims=True)
    return np.where(total > 0, scores / np.where(total > 0, total, 1.0), prior)
