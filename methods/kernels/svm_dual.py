"""Dual solutions of the binary support vector machines behind a classification, and what kernels weigh in them.

A binary machine maximises 1^T a - 1/2 (a y)^T K (a y) over 0 <= a <= C, a^T y = 0; libsvm does. What learns weights
needs only beta = a y, one column a problem, and q_m = beta^T K_m beta.
"""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import Any

import numpy as np

from fusebench.datasets.splits import Rows

from ..vectors import Codes
from .base_kernel import Flags, Floats

TOLERANCE = 1e-4
"""Largest violation of the optimality conditions, in units of the margin; libsvm's own default is ten times that."""


def problems(codes: Codes, each: bool) -> list[tuple[Rows, Flags]]:
    """The binary problems among codes 0..k-1: their rows, and which of them are positive (class 1 when k = 2).

    ``each``: every class against the rest; otherwise every pair of classes, where the lower class is positive.
    """
    k = int(codes.max()) + 1
    everything = np.arange(len(codes))
    if k == 2:
        return [(everything, codes == 1)]
    if each:
        return [(everything, codes == c) for c in range(k)]
    members = [np.flatnonzero(codes == c) for c in range(k)]
    return [
        (np.concatenate([members[i], members[j]]), np.repeat([True, False], [len(members[i]), len(members[j])]))
        for i, j in combinations(range(k), 2)
    ]


def dual_columns(
    K: Floats, codes: Codes, C: float, each: bool = False, tolerance: float = TOLERANCE, steps: int = -1
) -> Floats:
    """beta of all ``problems``, (r, problems), for a kernel matrix K (r, r) and codes 0..k-1 that all occur, k > 1.

    Pairs of classes are solved in one call of libsvm.

    Parameters
    ----------
    C: penalty.
    tolerance: where libsvm stops.
    steps: most steps of libsvm for one problem; -1 for no bound. What was reached by then is given without a word.
    """
    if each and codes.max() > 1:
        targets = [positive.astype(np.intp) for _, positive in problems(codes, each)]
        return np.hstack([_pairs(_fitted(K, target, C, tolerance, steps), target) for target in targets])
    return _pairs(_fitted(K, codes, C, tolerance, steps), codes)


def _fitted(K: Floats, codes: Codes, C: float, tolerance: float, steps: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import SVC

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return SVC(C=C, kernel="precomputed", tol=tolerance, max_iter=steps, cache_size=200).fit(K, codes)


def _pairs(machine: Any, codes: Codes) -> Floats:
    """The columns of all pairs out of libsvm's table: class i < j has its part against j in row j - 1, j in row i."""
    k = len(machine.classes_)
    columns = np.zeros((len(codes), k * (k - 1) // 2))
    owner = codes[machine.support_]
    for column, (i, j) in enumerate(combinations(range(k), 2)):
        for mine, row in ((i, j - 1), (j, i)):
            own = owner == mine
            columns[machine.support_[own], column] = machine.dual_coef_[row, own]
    return columns


def quadratic_forms(stack: Floats, B: Floats) -> Floats:
    """beta^T K_m beta of every matrix in ``stack`` (p, r, r) and every column of B (r, b): (p, b)."""
    rows = np.ascontiguousarray(B.T)  # a product from the left takes half the time of one from the right
    return np.array([np.einsum("br,br->b", rows @ K, rows) for K in stack])


def summed_forms(stack: Floats, B: Floats) -> Floats:
    """``quadratic_forms`` summed over the columns, (p,): the inner products of the matrices with B B^T."""
    return stack.reshape(len(stack), -1) @ (B @ B.T).ravel()


class MixDual:
    """J(d) = sum over the problems of the dual optimum on sum_m d_m K_m, as a function of the weights d.

    J is convex, and dJ/dd_m = -q_m / 2 (Rakotomamonjy et al. 2008, eq. 11; their section 4.3 for several classes).

    Parameters
    ----------
    stack, codes: matrices (p, r, r), and codes 0..k-1 (r,) that all occur, k > 1.
    C: penalty.
    tolerance: of libsvm.
    """

    def __init__(self, stack: Floats, codes: Codes, C: float, tolerance: float = TOLERANCE) -> None:
        self.stack, self.codes, self.C, self.tolerance = stack, codes, C, tolerance
        self.solved = 0

    def __call__(self, d: Floats) -> tuple[float, Floats]:
        """J(d), and q (p,) summed over the problems."""
        self.solved += 1
        p, r, _ = self.stack.shape
        K = (d @ self.stack.reshape(p, -1)).reshape(r, r)
        B = dual_columns(K, self.codes, self.C, tolerance=self.tolerance)
        q = summed_forms(self.stack, B)
        return float(np.abs(B).sum() - 0.5 * d @ q), q
