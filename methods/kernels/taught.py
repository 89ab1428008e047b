"""What methods share that learn their mix of kernels from labels: which rows teach it, and what folds learn anew."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from fusebench.datasets.splits import Rows, derived_seed

from ..vectors import Codes
from .base_kernel import Floats
from .machine import KernelSVM, some_rows
from .mix import Mix, Relearn

STACK_BYTES = 1 << 30
"""The matrices from which weights are learnt take at most this much together."""

TAUGHT = 0.1
"""A share of rows so small that what they look too easy by does not show in a calibration on all."""


@dataclass(kw_only=True, eq=False, repr=False)
class TaughtSVM(KernelSVM):
    """SVM on a mix of kernels that is learnt from some training rows, the machine from all of them.

    The inner folds learn everything anew that learns from labels, weights too: a row whose label they have seen looks
    easy, and probabilities calibrated on such rows are too sure. Only where fewer than ``TAUGHT`` of the rows teach the
    weights do these serve the folds as well. The kernels' centres are those of all training rows.

    A subclass gives ``_weights``; one whose mix is not a weighted sum is a ``shaped.ShapedSVM``.

    Parameters
    ----------
    weight_rows: most training rows that the weights are learnt from (stratified by class, by subject).
    others: see ``KernelSVM``.
    """

    weight_rows: int = 500

    def _learn(self, codes: Codes, groups: np.ndarray) -> list[Mix]:
        """One mix for all classes, or one for each class (of more than two)."""
        rows = self._weight_rows(codes, groups)
        if len(rows) < len(codes):
            self.notes_.append(f"weights learnt from {len(rows)} of {len(codes)} training rows")
        return self._learn_from(rows, codes)

    def _learn_from(self, rows: Rows, codes: Codes) -> list[Mix]:
        """What ``_learn`` gives and sets, from these rows."""
        weights = self._weights(self.bank_.stack(rows), codes[rows]) if self.bank_.kernels_ else np.zeros(0)
        return self._mixes(np.atleast_2d(weights))

    def _relearn(self, codes: Codes, groups: np.ndarray) -> Relearn | None:
        """How inner folds learn from their own rows; None where what all training rows have taught serves them."""
        if len(self._weight_rows(codes, groups)) < TAUGHT * len(codes):
            return None
        done: dict[bytes, list[Mix]] = {}

        def relearn(kept: Rows) -> list[Mix]:
            fold = kept.tobytes()
            if fold in done:
                return done[fold]
            other = copy(self)
            other.notes_ = []
            mixes = other._learn_from(kept[self._weight_rows(codes[kept], groups[kept])], codes)
            if len(mixes) > 1:  # each class asks again
                done[fold] = mixes
            return mixes

        return relearn

    def _weight_rows(self, codes: Codes, groups: np.ndarray) -> Rows:
        """The training rows that weights are learnt from: at most ``weight_rows``, less for very many kernels."""
        p = max(len(self.bank_.kernels_), 1)
        most = min(self.weight_rows, int(np.sqrt(STACK_BYTES / (8 * p))))
        return some_rows(codes, groups, most, derived_seed(self.random_state, "weights"))

    def _weights(self, stack: Floats, codes: Codes) -> Floats:
        """Non-negative weights, (p,), or (k, p) for one mix a class, from centred matrices (p, r, r).

        They sum to 1 unless their scale is learnt, too.

        ``codes`` (r,) may lack a class when it has fewer rows than there are inner strata; with one class only, or
        with kernels that are all zero, the weights are uniform.
        """
        raise NotImplementedError
