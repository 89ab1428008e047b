"""A support vector machine on a non-negative mix of base kernels; the subclasses say how the weights are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from fusebench.datasets.samples import Samples

from ..base import Labels, Method, Proba
from ..calibrate import CalibratedSVC
from ..vectors import Codes
from .bank import Floats, KernelBank

if TYPE_CHECKING:
    from fusebench.datasets.task import Task

MOST_ROWS = 10_000
"""More rows than this are refused: their kernel matrix alone takes 800 MB."""


class KernelSVM(Method):
    """SVM on sum_m d_m K_m, d_m >= 0, with Platt scaling on inner folds by subject.

    The inner folds refit the machine; the kernels' centres and weights are those of all training rows. At any time
    two (n, n) matrices are held: the mix so far and the kernel being added.
    """

    C: float
    folds: int
    random_state: int

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Learn the kernels' centres, their weights, the machine, and its calibration."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.n_parameters_ = 0
        if len(self.classes_) == 1:
            return self
        self.bank_ = self._bank().fit(samples)
        self.weights_ = self._weights(codes, samples.groups)
        self.modality_weights_ = self.bank_.shares(self.weights_, samples.names)
        mixed = self.bank_.training(self.weights_)
        self.model_ = CalibratedSVC(self.C, None, self.folds, self.random_state).fit(mixed, codes, samples.groups)
        self.n_parameters_ = self.model_.n_parameters_ + len(self.weights_)
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities, shape (n, len(classes_))."""
        if len(self.classes_) == 1:
            return np.ones((len(samples), 1))
        return self.model_.predict_proba(self.bank_.cross(samples, self.weights_))

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Refuses tasks whose kernel matrix would not fit in memory."""
        if len(task) > MOST_ROWS:
            return f"needs an n x n kernel matrix; {len(task)} rows are more than {MOST_ROWS}: use kernel-mklaren"
        return super().skip(task)

    def _bank(self) -> KernelBank:
        raise NotImplementedError

    def _weights(self, codes: Codes, groups: np.ndarray) -> Floats:
        """Non-negative weights that sum to 1, one for each of ``bank_.kernels_``."""
        raise NotImplementedError
