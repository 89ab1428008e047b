"""A kernel machine for many rows: features from a few landmark rows, and a linear machine on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from ..calibrate import make_calibration, out_of_fold
from ..sharing import recall
from ..vectors import Codes, Floats
from .mix import Mix


class NystroemSVM:
    """Linear SVMs, each class against the rest, on K(x, S) K_SS^(-1/2) for landmarks S (Williams and Seeger 2001).

    Cost grows with rows x landmarks x kernels, and no n x n matrix is formed. Probabilities come from inner folds by
    subject, which refit the linear machines only.

    Parameters
    ----------
    C: penalty of the squared hinge loss.
    landmarks: training rows that span the features.
    calibration, folds, seed: as in ``methods.calibrate``.
    """

    def __init__(self, C: float, landmarks: Rows, calibration: str, folds: int, seed: int) -> None:
        self.C, self.landmarks, self.calibration, self.folds, self.seed = C, landmarks, calibration, folds, seed

    def fit(self, mixes: Sequence[Mix], codes: Codes, groups: np.ndarray) -> Self:
        """Learn from one mix for all classes, or one a class; codes 0..k-1 with k > 1."""
        self.roots_ = [_root(mix.columns(self.landmarks)[self.landmarks]) for mix in mixes]

        def features(c: int) -> Floats:
            i = c % len(mixes)
            key = ("nystroem", id(self), i)
            return recall(key, lambda: (mixes[i].columns(self.landmarks) @ self.roots_[i],))[0]

        def score(kept: Rows, held: Rows) -> Floats:
            seen = np.unique(codes[kept])
            some = seen[1:] if len(seen) == 2 else seen
            machines = [self._machine().fit(features(c)[kept], codes[kept] == c) for c in some]
            values = [m.decision_function(features(c)[held]) for c, m in zip(some, machines, strict=True)]
            return _both(np.column_stack(values))

        rows, scores = out_of_fold(score, codes, groups, self.folds, self.seed)
        self.calibration_ = make_calibration(self.calibration).fit(scores, codes[rows])
        k = int(codes.max()) + 1
        targets = [1] if k == 2 else list(range(k))
        self.machines_ = [self._machine().fit(features(c), codes == c) for c in targets]
        self.n_parameters_ = sum(m.coef_.size + 1 for m in self.machines_) + self.calibration_.n_parameters_
        return self

    def predict_proba(self, mixes: Sequence[Mix], samples: Samples) -> Floats:
        """Probabilities (m, k) of new rows."""
        features = [mix.values(samples, self.landmarks) @ root for mix, root in zip(mixes, self.roots_, strict=True)]
        many = len(self.machines_)
        own = [features[c % len(features)] for c in range(many)]
        scores = np.column_stack([m.decision_function(X) for m, X in zip(self.machines_, own, strict=True)])
        return self.calibration_(_both(scores))

    def _machine(self) -> Any:
        from sklearn.svm import LinearSVC

        return LinearSVC(C=self.C, dual=False, tol=1e-3, random_state=self.seed)


def _root(K: Floats) -> Floats:
    """K^(-1/2) on the span of K, (r, rank)."""
    values, vectors = np.linalg.eigh(K)
    kept = values > 1e-8 * max(float(values.max(initial=0.0)), 1e-300)
    return vectors[:, kept] / np.sqrt(values[kept])


def _both(scores: Floats) -> Floats:
    """One score for each class: two classes share a machine."""
    return np.column_stack([-scores[:, 0], scores[:, 0]]) if scores.shape[1] == 1 else scores
