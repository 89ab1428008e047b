"""Generalised multiple kernel learning of a weighted sum: weights that need not sum to one, with a penalty."""

from __future__ import annotations

import numpy as np

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .bank import Images
from .base_kernel import Floats
from .descent import DualObjective, Kernel, Norm, Pull, make_penalty
from .machine import KernelSVM
from .mix import Absent


class KernelGmklSum(KernelSVM):
    """SVM on sum_m d_m K_m, where d >= 0 minimises the SVM's own optimum plus a penalty on d (GMKL).

    With the "l1" penalty the optimum is SimpleMKL's for another C, and sparse; "l2" keeps all kernels that help, and is
    the default because it is a method of its own.

    Parameters
    ----------
    C: the SVM's penalty, for the weights and for the machine.
    penalty: of the weights, in units of the SVM's optimum without any kernel: with "l1", sum d is at most 1 / penalty.
    norm: "l1" or "l2".
    kernels: a set of ``bank.KERNELS``, or one form for every modality, such as "rbf 0.5" or "linear".
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``mix.LinearMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    weight_rows: most training rows that the weights are learnt from (stratified by class, by subject).
    steps: most solutions of the SVM while the weights are learnt.
    folds: inner folds for the calibration.
    random_state: seed of the inner folds and of the choice of rows.
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

    def __init__(
        self,
        C: float = 1.0,
        penalty: float = 0.3,
        norm: Norm = "l2",
        kernels: str = "three",
        images: Images = "flat",
        absent: Absent = "neutral",
        calibration: str = "platt",
        weight_rows: int = 400,
        steps: int = 20,
        folds: int = FOLDS,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.penalty = penalty
        self.norm = norm
        self.kernels = kernels
        self.images = images
        self.absent = absent
        self.calibration = calibration
        self.weight_rows = weight_rows
        self.steps = steps
        self.folds = folds
        self.random_state = random_state

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
