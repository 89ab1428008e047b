"""Kernels with parameters, turned towards the labels: descent on the optimum of the machine that sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np

from ..vectors import Codes
from .base_kernel import Floats
from .svm_dual import dual_columns
from .taught import TaughtSVM

Pull = Callable[[Floats], Floats]
"""The inner products <G, dK/dt> (q,) of the kernel's derivatives with a symmetric matrix G (r, r)."""

Kernel = Callable[[Floats], tuple[Floats, Pull]]
"""Parameters t (q,) to the kernel matrix (r, r) and its derivatives."""

Norm = Literal["l1", "l2"]

_CLOSE = 1e-4
# Share of the objective that a step must still win: what libsvm's tolerance lets one see.


@dataclass(kw_only=True, eq=False, repr=False)
class DescentSVM(TaughtSVM):
    """SVM on a kernel whose parameters, weights or others, minimise a ``DualObjective``.

    Parameters
    ----------
    C: the SVM's penalty, for the kernel's parameters and for the machine.
    penalty: of the parameters, in units of the SVM's optimum without any kernel.
    steps: most solutions of the SVM while the parameters are learnt.
    others: see ``TaughtSVM``.
    """

    penalty: float = 0.1
    steps: int = 20
    weight_rows: int = 400


class DualObjective:
    """J(t) + r(t) of a kernel with parameters, over J without any kernel (Varma and Babu 2009, eq. 5).

    J is the optimum of the SVM's dual, summed over all pairs of classes; with beta = a y its derivative is
    -1/2 beta^T (dK/dt) beta, since the dual variables are at their best. J without a kernel, twice C times the smaller
    class of each pair, is the unit in which penalties are told: so they depend neither on the rows nor on C.

    Parameters
    ----------
    kernel: see ``Kernel``.
    penalty: r(t) and its gradient, in that unit.
    codes: 0..k-1, all of them, (r,), k > 1.
    C: the machine's penalty.
    """

    def __init__(
        self, kernel: Kernel, penalty: Callable[[Floats], tuple[float, Floats]], codes: Codes, C: float
    ) -> None:
        self.kernel, self.penalty, self.codes, self.C = kernel, penalty, codes, C
        self.unit = 2 * C * sum(map(min, combinations(np.bincount(codes).tolist(), 2)))

    def __call__(self, t: Floats) -> tuple[float, Floats]:
        """The objective and its gradient (q,)."""
        K, pull = self.kernel(t)
        B = dual_columns(K, self.codes, self.C)
        G = B @ B.T
        value, slope = self.penalty(t)
        dual = float(np.abs(B).sum() - 0.5 * np.vdot(G, K))
        return dual / self.unit + value, slope - 0.5 * pull(G) / self.unit

    def minimise(self, start: Floats, steps: int, lower: float | None = None) -> Floats:
        """The parameters after at most ``steps`` solutions of the machine or so, each at least ``lower``: L-BFGS-B."""
        from scipy.optimize import minimize

        options = {"maxfun": steps, "maxiter": steps, "ftol": _CLOSE, "gtol": 0.0}
        bounds = [(lower, None)] * len(start)
        return minimize(self, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def make_penalty(norm: Norm, strength: float) -> Callable[[Floats], tuple[float, Floats]]:
    """strength times sum t ("l1", for t >= 0) or sum t^2 / 2 ("l2"), and its gradient; ValueError for another norm."""
    if norm not in get_args(Norm):
        raise ValueError(f"norm {norm!r}: use {' or '.join(map(repr, get_args(Norm)))}")
    if norm == "l1":
        return lambda t: (strength * float(t.sum()), np.full(len(t), strength))
    return lambda t: (0.5 * strength * float(t @ t), strength * t)
