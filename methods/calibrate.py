"""From decision values to probabilities: Platt scaling on rows whose subjects the scoring model did not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fusebench.datasets.splits import Rows, inner_folds

from .vectors import Codes, Floats, logistic

Score = Callable[[Rows, Rows], Floats]
"""Fits on the first rows and scores the second: one column for each class among the first, in increasing order."""

FOLDS = 3


def out_of_fold(score: Score, codes: Codes, groups: np.ndarray, folds: int, seed: int) -> tuple[Rows, Floats]:
    """Scores of rows by models that saw neither them nor their subjects: positions, and scores (rows, k).

    A class that a fold's model has not seen gets the row's lowest score. A fold left with one class is passed over;
    when a class is then not scored at all, everything is scored by a model that saw it: with so few rows there is
    no better choice.
    """
    k = int(codes.max()) + 1
    rows, scores = [], []
    for kept, held in inner_folds(codes, groups, folds, seed):
        seen = np.unique(codes[kept])
        if len(seen) > 1:
            some = score(kept, held)
            full = np.repeat(some.min(axis=1, keepdims=True), k, axis=1)
            full[:, seen] = some
            rows.append(held)
            scores.append(full)
    if rows and len(np.unique(codes[np.concatenate(rows)])) == k:
        return np.concatenate(rows), np.vstack(scores)
    everything = np.arange(len(codes))
    return everything, score(everything, everything)


class Platt:
    """Multinomial logistic regression on decision values (Platt 1999; for two classes the same sigmoid).

    The values are divided by one common scale first, so that the small L2 penalty, which keeps separable scores from
    certainty, does not depend on the unit of the margin.
    """

    def fit(self, scores: Floats, codes: Codes) -> Self:
        """Learn from scores (n, k) and codes that hold every class 0..k-1."""
        self.scale_ = float(scores.std()) or 1.0
        self.model_ = logistic(C=10.0).fit(scores / self.scale_, codes)
        self.n_parameters_ = self.model_.coef_.size + self.model_.intercept_.size + 1
        return self

    def __call__(self, scores: Floats) -> npt.NDArray[np.float64]:
        """Probabilities (n, k) of the scores."""
        return self.model_.predict_proba(scores / self.scale_)


def make_calibration(name: str) -> Platt:
    """The calibration of that name; ValueError for another."""
    if name == "platt":
        return Platt()
    raise ValueError(f"calibration {name!r}: use 'platt'")


class CalibratedSVC:
    """A support vector machine with calibrated probabilities from inner folds.

    ``n_parameters_`` counts dual coefficients, intercepts and the calibration, not the training rows they refer to.

    Parameters
    ----------
    C: the SVM's penalty.
    gamma: of the Gaussian kernel exp(-gamma d^2); None when ``fit`` and ``predict_proba`` get kernel matrices.
    folds, seed: of the inner folds.
    calibration: a name that ``make_calibration`` knows.
    """

    def __init__(self, C: float, gamma: float | None, folds: int, seed: int, calibration: str = "platt") -> None:
        self.C, self.gamma, self.folds, self.seed, self.calibration = C, gamma, folds, seed, calibration

    def fit(self, X: Floats, codes: Codes, groups: np.ndarray) -> Self:
        """Learn from X: features (n, d), or the kernel matrix (n, n); codes 0..k-1 with k > 1."""

        def score(kept: Rows, held: Rows) -> Floats:
            both = X[np.ix_(kept, kept)] if self.gamma is None else X[kept]
            cross = X[np.ix_(held, kept)] if self.gamma is None else X[held]
            return class_margins(
                self._svc().fit(both, codes[kept]).decision_function(cross), len(np.unique(codes[kept]))
            )

        rows, scores = out_of_fold(score, codes, groups, self.folds, self.seed)
        self.calibration_ = make_calibration(self.calibration).fit(scores, codes[rows])
        self.svc_ = self._svc().fit(X, codes)
        self.n_parameters_ = self.svc_.dual_coef_.size + self.svc_.intercept_.size + self.calibration_.n_parameters_
        return self

    def predict_proba(self, X: Floats) -> npt.NDArray[np.float64]:
        """Probabilities (m, k) of features (m, d), or of kernel values (m, n) with the training rows."""
        return self.calibration_(class_margins(self.svc_.decision_function(X), len(self.svc_.classes_)))

    def _svc(self) -> Any:
        from sklearn.svm import SVC

        kernel = {"kernel": "precomputed"} if self.gamma is None else {"kernel": "rbf", "gamma": self.gamma}
        return SVC(C=self.C, decision_function_shape="ovo", cache_size=200, **kernel)


def class_margins(pairwise: Floats, k: int) -> Floats:
    """One score a class, (n, k), from one-against-one margins: the sum of the margins by which it wins.

    ``pairwise`` is (n,), positive for class 1, when k = 2, else (n, k (k - 1) / 2), positive for the lower class.
    Unlike counted votes the sums are continuous, which is what a calibration needs.
    """
    if k == 2:
        return np.column_stack([-pairwise, pairwise])
    scores = np.zeros((len(pairwise), k))
    low, high = np.triu_indices(k, 1)
    for column, (i, j) in enumerate(zip(low, high, strict=True)):
        scores[:, i] += pairwise[:, column]
        scores[:, j] -= pairwise[:, column]
    return scores / (k - 1)
