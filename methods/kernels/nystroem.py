"""A kernel machine for many rows: features from a few landmark rows, and linear machines on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows

from ..calibrate import make_calibration
from ..vectors import Codes, Floats
from .mix import Mix, Relearn
from .rest import Part, out_of_fold_by_part
from .squared_hinge import squared_hinge


class NystroemSVM:
    """Linear SVMs, each class against the rest, on K(x, S) K_SS^(-1/2) for landmarks S (Williams and Seeger 2001).

    Cost grows with rows x landmarks x kernels, and no n x n matrix is formed. Probabilities come from inner folds by
    subject, which refit the linear machines.

    Parameters
    ----------
    C: penalty of the squared hinge loss.
    landmarks: training rows that span the features.
    calibration, folds, seed: as in ``methods.calibrate``.
    """

    def __init__(self, C: float, landmarks: Rows, calibration: str, folds: int, seed: int) -> None:
        self.C, self.landmarks, self.calibration, self.folds, self.seed = C, landmarks, calibration, folds, seed

    def fit(self, mixes: Sequence[Mix], codes: Codes, groups: np.ndarray, relearn: Relearn | None = None) -> Self:
        """Learn from one mix for all classes, or one a class; codes 0..k-1 with k > 1.

        ``relearn`` gives as many for an inner fold, where it has its own.
        """
        self.roots_: list[Floats] = []
        self.machines_: list[tuple[Floats, Floats]] = []
        parts = self._parts(mixes, codes, relearn)
        rows, scores = out_of_fold_by_part(parts, codes, groups, self.folds, self.seed)
        self.calibration_ = make_calibration(self.calibration).fit(scores, codes[rows])
        self.n_parameters_ = sum(w.size + b.size for w, b in self.machines_) + self.calibration_.n_parameters_
        return self

    def predict_proba(self, mixes: Sequence[Mix], samples: Samples) -> Floats:
        """Probabilities (m, k) of new rows."""
        values = [
            mix.values(samples, self.landmarks) @ root @ w + b
            for mix, root, (w, b) in zip(mixes, self.roots_, self.machines_, strict=True)
        ]
        return self.calibration_(_both(np.hstack(values)))

    def _parts(self, mixes: Sequence[Mix], codes: Codes, relearn: Relearn | None) -> Iterator[Part]:
        """The classes of each mix; the machine on all rows is fitted while the mix's features are there."""
        k = int(codes.max()) + 1
        pair = k == 2 and len(mixes) == 1
        for c, mix in enumerate(mixes):
            features, root = self._features(mix)
            classes = [1] if pair else list(range(k)) if len(mixes) == 1 else [c]
            signs = np.where(codes[:, None] == classes, 1.0, -1.0)
            self.roots_.append(root)
            self.machines_.append(squared_hinge(features, signs, self.C))

            def score(kept: Rows, held: Rows, c: int = c, Z: Floats = features, signs: Floats = signs) -> Floats:
                Z = Z if relearn is None else self._features(relearn(kept)[c])[0]
                w, b = squared_hinge(Z[kept], signs[kept], self.C)
                values = Z[held] @ w + b
                return _both(values) if pair else values

            yield [0, 1] if pair else classes, score
            del features, score

    def _features(self, mix: Mix) -> tuple[Floats, Floats]:
        """K(x, S) K_SS^(-1/2) of all training rows, (n, rank), and K_SS^(-1/2)."""
        columns = mix.columns(self.landmarks)
        root = _root(columns[self.landmarks])
        return columns @ root, root


def _root(K: Floats) -> Floats:
    """K^(-1/2) on the span of K, (r, rank)."""
    values, vectors = np.linalg.eigh(K)
    kept = values > 1e-8 * max(float(values.max(initial=0.0)), 1e-300)
    return vectors[:, kept] / np.sqrt(values[kept])


def _both(scores: Floats) -> Floats:
    """One score for each class: two classes share a machine."""
    return np.column_stack([-scores[:, 0], scores[:, 0]]) if scores.shape[1] == 1 else scores
