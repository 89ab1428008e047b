"""Generalised multiple kernel learning of a weighted sum: weights that need not sum to one, with a penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .base_kernel import Floats
from .descent import DescentSVM, DualObjective, Kernel, Norm, Pull, make_penalty


@dataclass(kw_only=True, eq=False, repr=False)
class KernelGmklSum(DescentSVM):
    """SVM on sum_m d_m K_m, where d >= 0 minimises the SVM's own optimum plus a penalty on d (GMKL).

    With the "l1" penalty the optimum is SimpleMKL's for another C, and sparse; "l2" keeps all kernels that help, and is
    the default because it is a method of its own.

    Parameters
    ----------
    penalty: of the weights; with "l1", sum d is at most 1 / penalty.
    norm: "l1" or "l2".
    others: see ``DescentSVM``.
    """

    card = MethodCard(
        name="kernel-gmkl-sum",
        title="GMKL, sum",
        family="kernel",
        fusion="intermediate",
        summary="SVM on a weighted sum of per-modality kernels whose weights lower the SVM's own objective.",
        citation="Varma and Babu 2009",
        inferred="weights shared by all pairs of classes; an absent modality stands at the centre; unit of the penalty",
    )

    penalty: float = 0.3
    norm: Norm = "l2"

    def _weights(self, stack: Floats, codes: Codes) -> Floats:
        p = len(stack)
        uniform = np.full(p, 1.0 / p)
        seen, codes = np.unique(codes, return_inverse=True)
        if len(seen) == 1:
            return uniform
        objective = DualObjective(summed(stack), make_penalty(self.norm, self.penalty), codes, self.C)
        weights = objective.minimise(uniform, self.steps, lower=0.0)
        if not weights.any():
            self.notes_.append("the penalty leaves no kernel: uniform weights")
        return weights if weights.any() else uniform

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalties and the norm of the weights'."""
        return {
            "C": Real(0.1, 100.0, log=True),
            "penalty": Real(0.03, 3.0, log=True),
            "norm": Choice(("l1", "l2")),
        }


def summed(stack: Floats) -> Kernel:
    """sum_m d_m K_m of matrices (p, r, r), as a function of d, see ``descent.Kernel``."""
    p, r, _ = stack.shape
    flat = stack.reshape(p, r * r)

    def kernel(d: Floats) -> tuple[Floats, Pull]:
        return (d @ flat).reshape(r, r), lambda G: flat @ G.ravel()

    return kernel
