"""EasyMKL: each kernel weighs as much as it parts the classes, seen from one problem on all kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .base_kernel import Floats
from .learnt import LearntSVM
from .margin import hull_columns
from .svm_dual import quadratic_forms, summed_forms

_LEAST_RIDGE = 1e-8
# Share of the summed kernels' mean diagonal that keeps the problem strictly convex when lambda is 0.

_ROUNDING = 1e-13
# Share of that diagonal below which a squared distance is none.


@dataclass(kw_only=True, eq=False, repr=False)
class KernelEasy(LearntSVM):
    """SVM on kernels weighted by the distance of the classes in each of them (EasyMKL).

    The distance is taken between the points gamma of the classes' hulls that are nearest in the sum of all kernels:
    one problem, whatever the number of kernels.

    Parameters
    ----------
    lam: lambda, from 0 (nearest points of the hulls) to 1 (class means). Its counterpart is the sum of all kernels, so
        that many kernels want it near 1: far from it, where classes overlap, few rows decide, and noise parts them too.
    classes: "shared", one mix from the squared distances of all pairs of classes; or "each", one mix a class, which is
        taken against the rest.
    others: see ``LearntSVM``.
    """

    card = MethodCard(
        name="kernel-easy",
        title="EasyMKL",
        family="kernel",
        fusion="intermediate",
        summary="SVM on per-modality kernels, each weighing as much as it parts the classes at their margin.",
        citation="Aiolli and Donini 2015",
        inferred="distances summed over pairs of classes; an absent modality stands at the centre",
    )

    lam: float = 0.9

    def _learnt(self, stack: Floats, codes: Codes, each: bool) -> Floats:
        return easy_weights(stack, codes, self.lam, each)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty, lambda, and the set of kernels."""
        return {
            "C": Real(0.1, 100.0, log=True),
            "lam": Choice((0.0, 0.5, 0.9, 0.99, 1.0)),
            "kernels": Choice(("few", "three", "ladder")),
        }


def easy_weights(stack: Floats, codes: Codes, lam: float, each: bool = False) -> Floats:
    """EasyMKL weights of kernels (p, r, r) for codes 0..k-1 (r,), not scaled: (p,), or (k, p) if ``each``.

    gamma minimises gamma^T Y ((1 - lam) sum_m K_m + lam I) Y gamma over gamma >= 0 that sum to 1 in each class, and
    eta_m = gamma^T Y K_m Y gamma (Aiolli and Donini 2015, eq. 8 and 9). Zero where the hulls meet: the kernels are
    then not told apart.

    Raises
    ------
    ValueError: lam outside [0, 1].
    """
    if not 0 <= lam <= 1:
        raise ValueError(f"lam = {lam}: lambda must lie between 0 and 1")
    A = easy_problem(stack, lam)
    B = hull_columns(A, codes, each)
    eta = quadratic_forms(stack, B).T if each else summed_forms(stack, B)
    # Where the hulls meet, the distances are what the least ridge, squared, and rounding made of them.
    least = _ROUNDING * np.einsum("mii->", stack) / stack.shape[1]
    return np.where(eta.sum(axis=-1, keepdims=True) > least, np.maximum(eta, 0.0), 0.0)


def easy_problem(stack: Floats, lam: float) -> Floats:
    """(1 - lam) sum_m K_m + lam I, (r, r), for kernels (p, r, r); at least positive definite."""
    A = stack.sum(axis=0)
    ridge = max(lam, _LEAST_RIDGE * float(A.diagonal().mean()))
    A *= 1.0 - lam
    A[np.diag_indices(len(A))] += ridge
    return A
