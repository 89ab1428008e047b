"""From decision values to probabilities, calibrated on rows whose subjects the scoring model did not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from fusebench.datasets.splits import Rows, inner_folds

from .temperature import fit_temperature, posterior
from .vectors import Codes, Floats, logistic

Score = Callable[[Rows, Rows], Floats]
"""Fits on the first rows and scores the second: one column for each class among the first, in increasing order."""

FOLDS = 3


def out_of_fold(score: Score, codes: Codes, groups: np.ndarray, folds: int, seed: int) -> tuple[Rows, Floats]:
    """Scores of rows by models that saw neither them nor their subjects: positions, and scores (rows, k).

    A class that a fold's model has not seen gets the row's lowest score, and rows of that class, on which the model
    must be wrong, are left out; so is a fold whose model would see one class. The rows of a class that is then not
    scored at all are scored by a model that saw them: with so few rows there is no better choice.
    """
    k = int(codes.max()) + 1
    rows, scores = [], []
    for kept, held in inner_folds(codes, groups, folds, seed):
        seen = np.unique(codes[kept])
        held = held[np.isin(codes[held], seen)]
        if len(seen) > 1 and len(held):
            some = score(kept, held)
            full = np.repeat(some.min(axis=1, keepdims=True), k, axis=1)
            full[:, seen] = some
            rows.append(held)
            scores.append(full)
    missed = np.flatnonzero(~np.isin(codes, codes[np.concatenate(rows)] if rows else []))
    if len(missed):
        rows.append(missed)
        scores.append(score(np.arange(len(codes)), missed))
    return np.concatenate(rows), np.vstack(scores)


class Calibration(Protocol):
    """Probabilities from scores, learnt from scored rows of known class."""

    n_parameters_: int

    def fit(self, scores: Floats, codes: Codes) -> Self:
        """Learn from scores (n, k) and codes that hold every class 0..k-1."""

    def __call__(self, scores: Floats) -> npt.NDArray[np.float64]:
        """Probabilities (n, k) of the scores."""


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


class Isotonic:
    """A step function a class that never falls with its score, each class against the rest; then scaled to sum 1.

    Zadrozny and Elkan 2002. What is averaged are not zeros and ones but Platt's (1999) targets, 1 / (N- + 2) for the N-
    rows of the rest and (N+ + 1) / (N+ + 2) for the N+ rows of the class, which is Laplace's rule of succession: so the
    functions lie between these two, and no row is ever certain. Scores outside the learnt range take the value at
    its end.
    """

    def fit(self, scores: Floats, codes: Codes) -> Self:
        """Learn from scores (n, k) and codes that hold every class 0..k-1."""
        from sklearn.isotonic import IsotonicRegression

        self.steps_: list[Any] = []
        for c, column in enumerate(scores.T):
            mine = codes == c
            targets = np.where(mine, 1.0 - 1.0 / (mine.sum() + 2.0), 1.0 / ((~mine).sum() + 2.0))
            self.steps_.append(IsotonicRegression(out_of_bounds="clip").fit(column, targets))
        self.n_parameters_ = sum(2 * len(step.X_thresholds_) for step in self.steps_)
        return self

    def __call__(self, scores: Floats) -> npt.NDArray[np.float64]:
        """Probabilities (n, k) of the scores."""
        values = np.column_stack([step.predict(column) for step, column in zip(self.steps_, scores.T, strict=True)])
        return values / values.sum(axis=1, keepdims=True)


class Temperature:
    """softmax(scores / T) with one T for all classes (Guo et al. 2017): the order of a row's classes stays.

    ``temperature_`` is in the unit of the scores. What keeps it from zero, see ``temperature.fit_temperature``, is in
    that of their standard deviation.
    """

    n_parameters_ = 1

    def fit(self, scores: Floats, codes: Codes) -> Self:
        """Learn from scores (n, k) and codes that hold every class 0..k-1."""
        scale = float(scores.std()) or 1.0
        self.equal_ = np.full(scores.shape[1], 1.0 / scores.shape[1])
        self.temperature_ = scale * fit_temperature(scores / scale, codes, self.equal_)
        return self

    def __call__(self, scores: Floats) -> npt.NDArray[np.float64]:
        """Probabilities (n, k) of the scores."""
        return posterior(scores / self.temperature_, self.equal_)


CALIBRATIONS: dict[str, type[Calibration]] = {"platt": Platt, "isotonic": Isotonic, "temperature": Temperature}


def make_calibration(name: str) -> Calibration:
    """The calibration of a name: "platt", a logistic law; "isotonic", rising steps; or "temperature", one number.

    Raises
    ------
    ValueError: another name.
    """
    if name not in CALIBRATIONS:
        raise ValueError(f"calibration {name!r}: use one of {', '.join(map(repr, CALIBRATIONS))}")
    return CALIBRATIONS[name]()


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

    def fit(self, X: Floats, codes: Codes, groups: np.ndarray, relearn: Callable[[Rows], Floats] | None = None) -> Self:
        """Learn from X: features (n, d), or the kernel matrix (n, n); codes 0..k-1 with k > 1.

        ``relearn`` gives X as it is when it may learn from these rows only, where it has learnt much from the labels.
        """

        def score(kept: Rows, held: Rows) -> Floats:
            mine = X if relearn is None else relearn(kept)
            both = mine[np.ix_(kept, kept)] if self.gamma is None else mine[kept]
            cross = mine[np.ix_(held, kept)] if self.gamma is None else mine[held]
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
