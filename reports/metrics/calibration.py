"""How far probabilities can be believed: log-loss, Brier score and its parts, binned calibration error, confidence.

Each metric is ``f(y (n,), proba (n, C)) -> float``; its ``_resampled`` twin takes case weights (B, n) and gives (B,).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from .accuracy import one, ratio

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LOG_LOSS_CLIP = 1e-15
BINS = 15
LEAST_ROWS_IN_A_BIN = 10


@dataclass(frozen=True)
class Decomposition:
    """Parts of a Brier score: ``brier = miscalibration - discrimination + uncertainty``."""

    brier: float
    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True)
class LogParts:
    """Parts of the log score, one class against the rest: ``score = miscalibration - discrimination + uncertainty``."""

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True)
class Bins:
    """Bins of equal mass: ``index`` (n,) of each row, and per bin ``count``, mean ``confidence`` and ``frequency``."""

    index: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    confidence: Floats
    frequency: Floats


def log_loss(y: Codes, proba: Floats) -> float:
    """Mean negative log probability of the true class, in nats, with probabilities clipped at ``LOG_LOSS_CLIP``."""
    return float(log_loss_resampled(y, proba, one(len(y)))[0])


def log_loss_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Log-loss under case weights (B, n): shape (B,)."""
    losses = -np.log(np.clip(proba[np.arange(len(y)), y], LOG_LOSS_CLIP, 1.0))
    return ratio(weights @ losses, weights.sum(axis=1))


def brier(y: Codes, proba: Floats) -> float:
    """Squared distance to the indicator of the true class, summed over classes (Brier 1950): 0 to 2.

    With two classes this is twice the one-column form.
    """
    return float(brier_resampled(y, proba, one(len(y)))[0])


def brier_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Brier score under case weights (B, n): shape (B,)."""
    return ratio(weights @ _squares(y, proba).sum(axis=1), weights.sum(axis=1))


def isotonic(scores: Floats, outcomes: Floats) -> Floats:
    """Least-squares monotone fit of outcomes (n,) on scores (n,); tied scores share one value."""
    _, level = np.unique(scores, return_inverse=True)
    count = np.bincount(level)
    means = np.bincount(level, weights=outcomes) / count
    return isotonic_regression(means, weights=count).x[level]


def recalibrated_classwise(y: Codes, proba: Floats) -> Floats:
    """Each class's probabilities after their own isotonic fit on the same rows: (n, C); rows need not sum to one."""
    truth = np.eye(proba.shape[1])[y]
    return np.column_stack([isotonic(proba[:, c], truth[:, c]) for c in range(proba.shape[1])])


def decompose_brier(y: Codes, proba: Floats) -> Decomposition:
    """The CORP decomposition (Dimitriadis, Gneiting and Jordan 2021), one class against the rest, summed over classes.

    Each class's score splits exactly, so that the sum does too. The isotonic fit adapts to the rows: with few of them
    miscalibration and discrimination are both biased upwards, by the same amount.
    """
    total = _squares(y, proba).sum(axis=1).mean()
    fitted = _squares(y, recalibrated_classwise(y, proba)).sum(axis=1).mean()
    shares = np.broadcast_to(np.bincount(y, minlength=proba.shape[1]) / len(y), proba.shape)
    marginal = _squares(y, shares).sum(axis=1).mean()
    return Decomposition(float(total), float(total - fitted), float(marginal - fitted), float(marginal))


def decompose_log(y: Codes, proba: Floats) -> LogParts:
    """The CORP decomposition of the log score, in nats: the isotonic fit is the best monotone one for it as well.

    With two classes the score is the log-loss. With more it is the sum over classes of the log-losses of each against
    the rest, which splits exactly where the log-loss of all classes together would not.
    """
    truth = np.eye(proba.shape[1])[y]
    shares = np.broadcast_to(truth.mean(axis=0), proba.shape)
    forms: list[Floats] = [proba, recalibrated_classwise(y, proba), shares]
    if proba.shape[1] == 2:
        forms, truth = [form[:, 1:] for form in forms], truth[:, 1:]
    total, fitted, marginal = (_binary_log(truth, form) for form in forms)
    return LogParts(total, total - fitted, marginal - fitted, marginal)


def _binary_log(truth: Floats, proba: Floats) -> float:
    inside = np.clip(proba, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
    own = np.where(truth == 1, inside, 1 - inside)
    return float(-np.log(own).sum(axis=1).mean())


def classwise_ece(y: Codes, proba: Floats) -> float:
    """Calibration error of each class's probability over bins of equal mass, mean over classes (Kull et al. 2019)."""
    return float(classwise_ece_resampled(y, proba, one(len(y)))[0])


def classwise_ece_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Class-wise calibration error under case weights (B, n): shape (B,), in the bins of the full sample."""
    truth = np.eye(proba.shape[1])[y]
    gaps = np.zeros(len(weights))
    for c in range(proba.shape[1]):
        index = equal_mass_bins(proba[:, c], truth[:, c]).index
        gap = np.eye(index.max() + 1)[index] * (proba[:, c] - truth[:, c])[:, None]
        gaps += np.abs(weights @ gap).sum(axis=1)
    return ratio(gaps / proba.shape[1], weights.sum(axis=1))


def sharpness(y: Codes, proba: Floats) -> float:
    """Variance of the probabilities over rows, summed over classes: 0 where every row is told the same.

    It looks at no label: sharp is good only together with calibrated (Gneiting, Balabdaoui and Raftery 2007).
    """
    return float(proba.var(axis=0).sum())


def sharpness_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Sharpness under case weights (B, n): shape (B,)."""
    total = weights.sum(axis=1)
    means = ratio(weights @ proba, total[:, None])
    return ratio(weights @ (proba**2).sum(axis=1), total) - (means**2).sum(axis=1)


def miscalibration(y: Codes, proba: Floats) -> float:
    """Brier score that a monotone recalibration of each class would remove."""
    return decompose_brier(y, proba).miscalibration


def miscalibration_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Miscalibration under case weights (B, n): shape (B,).

    The isotonic fit is kept from the full sample. It minimises the score, so that to first order its own change under
    resampling does not move the minimum.
    """
    parts = (_squares(y, proba) - _squares(y, recalibrated_classwise(y, proba))).sum(axis=1)
    return ratio(weights @ parts, weights.sum(axis=1))


def discrimination(y: Codes, proba: Floats) -> float:
    """Brier score that the recalibrated probabilities save over the class shares."""
    return decompose_brier(y, proba).discrimination


def discrimination_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Discrimination under case weights (B, n): shape (B,), with the isotonic fit of the full sample."""
    truth = np.eye(proba.shape[1])[y]
    total = weights.sum(axis=1)
    shares = ratio(weights @ truth, total[:, None])
    marginal = (shares * (1 - shares)).sum(axis=1)
    return marginal - ratio(weights @ _squares(y, recalibrated_classwise(y, proba)).sum(axis=1), total)


def top_label(y: Codes, proba: Floats) -> tuple[Floats, Floats]:
    """Confidence in the predicted class and whether it is right: two arrays (n,)."""
    told = proba.argmax(axis=1)
    return proba[np.arange(len(y)), told], (told == y).astype(float)


def equal_mass_bins(scores: Floats, outcomes: Floats, bins: int | None = None) -> Bins:
    """Sort rows by score into bins of equal size; rows with tied scores share a bin.

    ``bins`` defaults to one for every 10 rows, at most 15 and at least 1.
    """
    n = len(scores)
    wanted = bins or int(np.clip(n // LEAST_ROWS_IN_A_BIN, 1, BINS))
    _, first, level = np.unique(np.sort(scores), return_index=True, return_inverse=True)
    by_rank = (first[level] * wanted) // n  # the bin of a group of ties is that of its first row
    position = np.empty(n, dtype=np.int64)
    position[np.argsort(scores, kind="stable")] = by_rank
    _, index = np.unique(position, return_inverse=True)
    count = np.bincount(index)
    return Bins(
        index,
        count,
        np.bincount(index, weights=scores) / count,
        np.bincount(index, weights=outcomes) / count,
    )


def expected_calibration_error(y: Codes, proba: Floats, bins: int | None = None) -> float:
    """Top-label calibration error over bins of equal mass, weighted by rows (Naeini et al. 2015, Nixon et al. 2019)."""
    cut = equal_mass_bins(*top_label(y, proba), bins)
    return float(np.abs(cut.confidence - cut.frequency) @ cut.count / len(y))


def expected_calibration_error_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """The calibration error under case weights (B, n): shape (B,), in the bins of the full sample."""
    confidence, right = top_label(y, proba)
    index = equal_mass_bins(confidence, right).index
    gaps = weights @ (np.eye(index.max() + 1)[index] * (confidence - right)[:, None])
    return ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def confidence_gap(y: Codes, proba: Floats) -> float:
    """Mean confidence in the predicted class minus accuracy: above zero over-confident, below zero under-confident."""
    return float(confidence_gap_resampled(y, proba, one(len(y)))[0])


def confidence_gap_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Confidence gap under case weights (B, n): shape (B,)."""
    confidence, right = top_label(y, proba)
    return ratio(weights @ (confidence - right), weights.sum(axis=1))


def _squares(y: Codes, proba: Floats) -> Floats:
    """Squared distance of each cell to the indicator of the true class: shape (n, C)."""
    return (proba - np.eye(proba.shape[1])[y]) ** 2
