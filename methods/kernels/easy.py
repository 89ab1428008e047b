"""EasyMKL: each kernel weighs as much as it parts the classes, seen from one problem on all kernels."""

from __future__ import annotations

import numpy as np

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .bank import Images
from .base_kernel import Floats
from .learnt import Classes, LearntSVM
from .margin import hull_columns
from .mix import Absent
from .svm_dual import quadratic_forms, summed_forms

_LEAST_RIDGE = 1e-8
# Share of the summed kernels' mean diagonal that keeps the problem strictly convex when lambda is 0.

_ROUNDING = 1e-13
# Share of that diagonal below which a squared distance is none.


class KernelEasy(LearntSVM):
    """SVM on kernels weighted by the distance of the classes in each of them (EasyMKL).

    The distance is taken between the points gamma of the classes' hulls that are nearest in the sum of all kernels:
    one problem, whatever the number of kernels.

    Parameters
    ----------
    C: the SVM's penalty.
    lam: lambda, from 0 (nearest points of the hulls) to 1 (class means). Its counterpart is the sum of all kernels, so
        that many kernels want it near 1: far from it, where classes overlap, few rows decide, and noise parts them too.
    kernels: a set of ``bank.KERNELS``, or one form for every modality, such as "rbf 0.5" or "linear".
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``mix.LinearMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    classes: "shared", one mix from the squared distances of all pairs of classes; or "each", one mix a class, which is
        taken against the rest.
    weight_rows: most training rows that the weights are learnt from (stratified by class, by subject).
    folds: inner folds for the calibration.
    random_state: seed of the inner folds and of the choice of rows.
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

    def __init__(
        self,
        C: float = 1.0,
        lam: float = 0.9,
        kernels: str = "three",
        images: Images = "flat",
        absent: Absent = "neutral",
        calibration: str = "platt",
        classes: Classes = "shared",
        weight_rows: int = 500,
        folds: int = FOLDS,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.lam = lam
        self.kernels = kernels
        self.images = images
        self.absent = absent
        self.calibration = calibration
        self.classes = classes
        self.weight_rows = weight_rows
        self.folds = folds
        self.random_state = random_state

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
