"""How often a method is right and how well it ranks: accuracy, balanced accuracy, macro F1, macro AUROC.

Each metric is ``f(y (n,), proba (n, C)) -> float``; its ``_resampled`` twin takes case weights (B, n) and gives (B,),
so that a bootstrap is a few matrix products.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def one(n: int) -> Floats:
    """Unit weights for n cases: shape (1, n)."""
    return np.ones((1, n))


def ratio(above: Floats, below: Floats) -> Floats:
    """Elementwise quotient, NaN where the denominator is zero."""
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below > 0)


def accuracy(y: Codes, proba: Floats) -> float:
    """Share of rows whose most probable class is the true one."""
    return float(accuracy_resampled(y, proba, one(len(y)))[0])


def accuracy_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Accuracy under case weights (B, n): shape (B,)."""
    return ratio(weights @ (proba.argmax(axis=1) == y), weights.sum(axis=1))


def balanced_accuracy(y: Codes, proba: Floats) -> float:
    """Mean recall over the classes that occur among the rows."""
    return float(balanced_accuracy_resampled(y, proba, one(len(y)))[0])


def balanced_accuracy_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Balanced accuracy under case weights (B, n): shape (B,)."""
    truth = _indicators(y, proba.shape[1])
    hit = (proba.argmax(axis=1) == y)[:, None]
    return _mean_over_defined(ratio(weights @ (truth * hit), weights @ truth))


def macro_f1(y: Codes, proba: Floats) -> float:
    """F1 score, mean over the classes that occur in truth or prediction."""
    return float(macro_f1_resampled(y, proba, one(len(y)))[0])


def macro_f1_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Macro F1 under case weights (B, n): shape (B,)."""
    truth = _indicators(y, proba.shape[1])
    told = _indicators(proba.argmax(axis=1), proba.shape[1])
    return _mean_over_defined(ratio(2 * (weights @ (truth * told)), weights @ truth + weights @ told))


def auroc(y: Codes, proba: Floats) -> float:
    """Macro one-vs-rest AUROC over the classes that have rows with and without them; NaN when there is none."""
    areas = []
    for c in range(int(proba.shape[1] == 2), proba.shape[1]):  # two classes have one curve, as below
        among = y == c
        above, below = proba[among, c], np.sort(proba[~among, c])
        if len(above) and len(below):  # Mann and Whitney's statistic, ties one half
            wins = np.searchsorted(below, above).sum() + np.searchsorted(below, above, side="right").sum()
            areas.append(float(wins) / (2 * len(above) * len(below)))
    return sum(areas) / len(areas) if areas else float("nan")


def auroc_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Macro AUROC under case weights (B, n): shape (B,). Ties count one half."""
    total = weights.sum(axis=1)
    classes = range(proba.shape[1])
    if proba.shape[1] == 2:  # both one-vs-rest curves of two classes are the same where the probabilities sum to one
        classes = range(1, 2)
    areas = []
    for c in classes:
        _, level = np.unique(proba[:, c], return_inverse=True)
        order = np.argsort(level, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(level[order]) > 0])
        positive = np.add.reduceat(weights[:, order] * (y[order] == c), starts, axis=1)
        everyone = np.add.reduceat(weights[:, order], starts, axis=1)
        negative = everyone - positive
        below = np.cumsum(negative, axis=1) - negative / 2
        n_positive = positive.sum(axis=1)
        areas.append(ratio((positive * below).sum(axis=1), n_positive * (total - n_positive)))
    return _mean_over_defined(np.stack(areas, axis=1))


def _indicators(codes: Codes, classes: int) -> Floats:
    return np.eye(classes)[codes]


def _mean_over_defined(values: Floats) -> Floats:
    """Row means over the finite columns; NaN where no column is finite."""
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1).astype(float))
