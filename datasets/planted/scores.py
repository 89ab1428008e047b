"""Best achievable scores of the planted tasks: closed forms over Gaussian log-odds, or means over draws.

Accuracy, balanced accuracy, area under the ROC curve, log-loss in nats, and Brier score summed over both classes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def gaussian_scores(distance: float, flips: float = 0.0) -> dict[str, float]:
    """Scores of two equally frequent classes whose evidence is Gaussian.

    The log-odds of a bit are N(+-d^2/2, d^2), as between two Gaussians of one covariance at Mahalanobis distance d; the
    label is that bit, turned with probability ``flips``, which is at most 1/2.
    """
    from scipy.special import log_expit, ndtr

    z, weight = _normal()
    odds = distance**2 / 2 + distance * z  # of the bit's true value
    with np.errstate(divide="ignore"):
        turned, kept = np.log(flips), np.log1p(-2 * flips)
    right = np.logaddexp(turned, kept + log_expit(odds))
    wrong = np.logaddexp(turned, kept + log_expit(-odds))
    accuracy = float(flips + (1 - 2 * flips) * ndtr(distance / 2))
    return {
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "auroc": float(flips + (1 - 2 * flips) * ndtr(distance / np.sqrt(2))),
        "log_loss": float(-weight @ ((1 - flips) * right + flips * wrong)),
        "brier": float(2 * weight @ ((1 - flips) * np.exp(2 * wrong) + flips * np.exp(2 * right))),
    }


def prior_scores(prior_odds: Floats, share: Floats, distance: float) -> dict[str, float]:
    """Accuracy, log-loss and Brier score where a known prior differs from row to row and the evidence is Gaussian.

    Parameters
    ----------
    prior_odds: log-odds of class 1 before the evidence, shape (k,).
    share: how often each of them occurs, shape (k,), with sum 1.
    distance: d, between the class means of the evidence.
    """
    from scipy.special import expit, ndtr

    z, weight = _normal()
    accuracy = log_loss = brier = 0.0
    for sign in (1.0, -1.0):  # class 1, then class 0 with everything mirrored
        prior = sign * prior_odds
        occurs = share * expit(prior)
        odds = prior[:, None] + distance**2 / 2 + distance * z
        accuracy += float(occurs @ ndtr(prior / distance + distance / 2))
        log_loss += float(occurs @ np.logaddexp(0.0, -odds) @ weight)
        brier += float(occurs @ (2 * expit(-odds) ** 2) @ weight)
    return {"accuracy": accuracy, "log_loss": log_loss, "brier": brier}


def drawn_scores(odds: Floats) -> dict[str, float]:
    """Means over draws of what the true posterior scores, from log-odds (draws,).

    Draws are of both classes alike, or of one where the classes mirror each other.
    """
    # Means over the class given the row vary less than scores of the class drawn.
    p = 1.0 / (1.0 + np.exp(-np.abs(odds)))
    accuracy = float(p.mean())
    q = np.clip(1.0 - p, 1e-300, None)
    return {
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "log_loss": float(-(p * np.log(p) + q * np.log(q)).mean()),
        "brier": float(2 * (p * q).mean()),
    }


def _normal() -> tuple[Floats, Floats]:
    """Nodes and weights for means over N(0, 1): the trapezoidal rule is exact to rounding for smooth integrands."""
    z = np.linspace(-12.0, 12.0, 4001)
    weight = np.exp(-(z**2) / 2)
    return z, weight / weight.sum()
