"""Ordered diagnoses from a latent severity, and the best scores of whoever reads every burden without error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_QUANTILES = np.linspace(-10.0, 10.0, 4001)


def ordered_diagnoses(
    n: int, diagnoses: int, overlap: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Diagnoses 0..C-1, equally frequent, and the severity N(0, 1) behind them, both (n,).

    The diagnosis says between which quantiles of severity + ``overlap`` N(0, 1) a subject lies. That sum is drawn with
    one subject in each of n equally likely intervals, so that the classes differ by one row at most.
    """
    from scipy.special import ndtri

    u = (rng.permutation(n) + rng.random(n)) / n
    spread = 1 + overlap**2
    severity = ndtri(u) / np.sqrt(spread) + overlap / np.sqrt(spread) * rng.normal(size=n)
    return np.minimum(np.floor(u * diagnoses).astype(np.int64), diagnoses - 1), severity


def diagnosis_posterior(mean: Floats, variance: Floats | float, diagnoses: int, overlap: float) -> Floats:
    """P(diagnosis), (n, C), where the severity given all evidence is N(mean, variance), each (n,)."""
    from scipy.special import ndtr, ndtri

    cuts = np.sqrt(1 + overlap**2) * ndtri(np.arange(1, diagnoses) / diagnoses)
    below = ndtr((cuts - np.asarray(mean)[:, None]) / np.sqrt(np.atleast_1d(variance)[:, None] + overlap**2))
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def severity_given(burdens: Floats, precisions: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the severity, (n,), given burdens that are N(severity, 1 / precision), both (n, M).

    A burden of precision 0 was not seen. Severity itself is N(0, 1).
    """
    total = 1 + precisions.sum(axis=1)
    seen = np.where(precisions > 0, burdens, 0.0)
    return (precisions * seen).sum(axis=1) / total, 1 / total


def diagnosis_scores(
    precisions: Sequence[float], shares: Sequence[float], diagnoses: int, overlap: float
) -> dict[str, float]:
    """Best accuracy, balanced accuracy, log-loss (nats) and Brier score (summed over classes) given all burdens.

    The posterior depends on the burdens through the mean of the severity given them, which is N(0, P / (1 + P)) for
    burdens whose precisions sum to P: one integral, exact to rounding.

    Parameters
    ----------
    precisions, shares: the sums P that occur, as when a modality is missing, and how often each does.
    """
    weight = np.exp(-(_QUANTILES**2) / 2)
    weight /= weight.sum()
    scores = dict.fromkeys(("accuracy", "balanced_accuracy", "log_loss", "brier"), 0.0)
    for precision, share in zip(precisions, shares, strict=True):
        mean = np.sqrt(precision / (1 + precision)) * _QUANTILES
        p = diagnosis_posterior(mean, 1 / (1 + precision), diagnoses, overlap)
        right = share * float(weight @ p.max(axis=1))
        scores["accuracy"] += right
        scores["balanced_accuracy"] += right  # the classes are equally frequent
        scores["log_loss"] -= share * float(weight @ (p * np.log(np.clip(p, 1e-300, None))).sum(axis=1))
        scores["brier"] += share * float(weight @ (1 - np.square(p).sum(axis=1)))
    return scores
