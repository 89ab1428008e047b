"""What the methods of multiple kernel learning share: a machine on one mix of kernels, or on one a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fusebench.datasets.samples import Samples
from fusebench.datasets.splits import Rows, derived_seed, inner_folds

from ..base import Labels, Proba
from ..calibrate import CalibratedSVC, make_calibration
from ..sharing import sharing
from ..vectors import Codes
from .bank import KernelBank
from .base_kernel import Floats
from .method import KernelMethod
from .mix import LinearMix, Mix, Relearn
from .nystroem import NystroemSVM
from .rest import Part, out_of_fold_by_part

FULL_ROWS = 5_000
"""With more training rows the methods go low-rank: n x n values are no longer formed."""

LANDMARKS = 300
"""Landmark rows of the low-rank machine."""

REFERENCES = 512
"""Training rows whose mean is a kernel's centre when low-rank; else all of them."""

_PREDICT_ROWS = 4096
# New rows at a time: bounds the kernel values held.


@dataclass(kw_only=True, eq=False, repr=False)
class KernelSVM(KernelMethod):
    """SVM on one mix of kernels, such as sum_m d_m K_m with d_m >= 0, or on one a class.

    Up to ``FULL_ROWS`` training rows it is libsvm's, on the whole matrix (one against one for a mix that all classes
    share, else one against the rest); above, a linear one on Nystroem features.

    A subclass gives ``_learn``, or is a ``taught.TaughtSVM``, whose mixes labels teach.

    Parameters
    ----------
    C: the SVM's penalty.
    others: see ``KernelMethod``.
    """

    C: float = 1.0

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Learn the kernels' centres, their weights, the machine, and its calibration."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.n_parameters_ = 0
        self.notes_: list[str] = []
        if len(self.classes_) == 1:
            return self
        with sharing():
            full = len(samples) <= FULL_ROWS
            self.bank_ = KernelBank(self.kernels, None if full else REFERENCES, self.images).fit(samples)
            self.mixes_ = self._learn(codes, samples.groups)
            if full:
                self.model_: FullSVM | NystroemSVM = FullSVM(self.C, self.calibration, self.folds, self.random_state)
            else:
                landmarks = some_rows(codes, samples.groups, LANDMARKS, derived_seed(self.random_state, "landmarks"))
                self.notes_.append(f"low rank: {len(landmarks)} landmarks for {len(codes)} training rows")
                self.model_ = NystroemSVM(self.C, landmarks, self.calibration, self.folds, self.random_state)
            self.model_.fit(self.mixes_, codes, samples.groups, self._relearn(codes, samples.groups))
        self.n_parameters_ += self.model_.n_parameters_
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities, shape (n, len(classes_))."""
        if len(self.classes_) == 1:
            return np.ones((len(samples), 1))
        parts = [samples[i : i + _PREDICT_ROWS] for i in range(0, len(samples), _PREDICT_ROWS)]
        return np.vstack([self.model_.predict_proba(self.mixes_, part) for part in parts])

    def _learn(self, codes: Codes, groups: np.ndarray) -> list[Mix]:
        """One mix for all classes, or one for each class (of more than two)."""
        raise NotImplementedError

    def _relearn(self, codes: Codes, groups: np.ndarray) -> Relearn | None:
        """How inner folds learn from their own rows; None where the mixes of all training rows serve them."""
        return None

    def _mixes(self, weights: Floats) -> list[Mix]:
        """The weighted sums of the kernels, for weights (mixes, p); sets ``weights_``."""
        self.weights_ = weights
        self.modality_weights_ = self.bank_.shares(weights.mean(axis=0), self.bank_.blocks_.names_)
        self.n_parameters_ += weights.size
        return [LinearMix(self.bank_, each, self.absent) for each in weights]


class FullSVM:
    """libsvm on whole kernel matrices: one against one on a shared mix, each against the rest on a mix a class.

    Parameters
    ----------
    C: penalty.
    calibration, folds, seed: as in ``methods.calibrate``.
    """

    def __init__(self, C: float, calibration: str, folds: int, seed: int) -> None:
        self.C, self.calibration, self.folds, self.seed = C, calibration, folds, seed

    def fit(self, mixes: Sequence[Mix], codes: Codes, groups: np.ndarray, relearn: Relearn | None = None) -> Self:
        """Learn from one mix for all classes, or one a class; codes 0..k-1 with k > 1.

        ``relearn`` gives as many for an inner fold, where it has its own.
        """
        self.shared_ = CalibratedSVC(self.C, None, self.folds, self.seed, self.calibration)
        if len(mixes) == 1:
            own = None if relearn is None else lambda kept: relearn(kept)[0].training()
            self.shared_.fit(mixes[0].training(), codes, groups, own)
            self.n_parameters_ = self.shared_.n_parameters_
            return self

        self.machines_: list[Any] = []
        rows, scores = out_of_fold_by_part(self._parts(mixes, codes, relearn), codes, groups, self.folds, self.seed)
        self.calibration_ = make_calibration(self.calibration).fit(scores, codes[rows])
        self.n_parameters_ = sum(m.dual_coef_.size + 1 for m in self.machines_) + self.calibration_.n_parameters_
        return self

    def predict_proba(self, mixes: Sequence[Mix], samples: Samples) -> Floats:
        """Probabilities (m, k) of new rows."""
        if len(mixes) == 1:
            return self.shared_.predict_proba(mixes[0].cross(samples))
        with sharing():  # the mixes differ in weights, not in kernels
            values = [m.decision_function(mix.cross(samples)) for m, mix in zip(self.machines_, mixes, strict=True)]
        return self.calibration_(np.column_stack(values))

    def _parts(self, mixes: Sequence[Mix], codes: Codes, relearn: Relearn | None) -> Iterator[Part]:
        """Each class; the machine on all rows is fitted while the class's matrix is there."""
        for c, mix in enumerate(mixes):
            K, mine = mix.training(), codes == c
            self.machines_.append(self._svc(K, mine))

            def score(kept: Rows, held: Rows, c: int = c, K: Floats = K, mine: np.ndarray = mine) -> Floats:
                if not mine[kept].any():
                    return np.zeros((len(held), 1))
                K = K if relearn is None else relearn(kept)[c].training()
                machine = self._svc(K[np.ix_(kept, kept)], mine[kept])
                return machine.decision_function(K[np.ix_(held, kept)])[:, None]

            yield [c], score
            del K, score

    def _svc(self, K: Floats, positive: np.ndarray) -> Any:
        from sklearn.svm import SVC

        return SVC(C=self.C, kernel="precomputed", cache_size=200).fit(K, positive)


def some_rows(codes: Codes, groups: np.ndarray, most: int, seed: int) -> Rows:
    """All training rows, or about ``most`` of them: whole subjects, stratified by class, drawn by the seed."""
    parts = -(-len(codes) // most)
    folds = inner_folds(codes, groups, parts, seed) if parts > 1 else []
    return folds[0][1] if folds else np.arange(len(codes))
