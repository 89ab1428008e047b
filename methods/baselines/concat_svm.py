"""Early fusion with a Gaussian-kernel support vector machine on all features side by side."""

from __future__ import annotations

import numpy as np

from ..base import Proba
from ..calibrate import FOLDS, CalibratedSVC
from ..card import MethodCard
from ..space import Real, SearchSpace
from ..vectors import Codes, Floats, VectorMethod


class ConcatSVM(VectorMethod):
    """RBF-SVM on the concatenated, standardised features; probabilities by Platt scaling on inner folds by subject.

    Parameters
    ----------
    C: the SVM's penalty.
    width: multiplies the kernel's default gamma, which is 1 / (number of columns x their variance).
    folds: inner folds for the calibration.
    random_state: seed of the inner folds.
    """

    card = MethodCard(
        name="concat-svm",
        title="Concatenation + SVM (RBF)",
        family="baseline",
        fusion="early",
        summary="All features side by side, then a support vector machine with one Gaussian kernel over all of them.",
        citation="Platt 1999 for the probabilities",
        inferred="several classes: multinomial logistic regression on summed one-against-one margins",
    )

    def __init__(self, C: float = 1.0, width: float = 0.5, folds: int = FOLDS, random_state: int = 0) -> None:
        self.C = C
        self.width = width
        self.folds = folds
        self.random_state = random_state

    def _learn(self, X: Floats, codes: Codes, groups: np.ndarray) -> None:
        gamma = self.width / max(X.shape[1] * float(X.var()), 1e-12)
        self.model_ = CalibratedSVC(self.C, gamma, self.folds, self.random_state).fit(X, codes, groups)
        self.n_parameters_ = self.model_.n_parameters_
        self.flops_ = 3.0 * self.model_.svc_.support_vectors_.size

    def _proba(self, X: Floats) -> Proba:
        return self.model_.predict_proba(X)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty and kernel width."""
        return {"C": Real(0.1, 100.0, log=True), "width": Real(0.05, 5.0, log=True)}
