"""Localised multiple kernel learning: which kernel counts depends on where a row lies."""

from __future__ import annotations

import numpy as np

from fusebench.datasets.splits import Rows

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .bank import Images
from .base_kernel import Floats
from .descent import DualObjective, make_penalty
from .gates import GatedStack, GateFeatures, LocalMix, gates_open
from .mix import Absent
from .shaped import Shape, ShapedSVM


class KernelLocalised(ShapedSVM):
    """SVM on sum_m eta_m(x) K_m(x, x') eta_m(x'); gates eta(x) = softmax(V x + b) lower the SVM's own optimum.

    The gates look at the first principal components of all modalities, scaled and side by side. They start equal,
    V = 0 and b = 0, and every step solves the SVM anew.

    Parameters
    ----------
    C: the SVM's penalty, for the gates and for the machine.
    penalty: of V and b, L2, in units of the SVM's optimum without any kernel.
    kernels: a set of ``bank.KERNELS``, or one form for every modality, such as "rbf 0.5" or "linear".
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``gates.LocalMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    weight_rows: most training rows that the gates are learnt from (stratified by class, by subject).
    steps: most solutions of the SVM while the gates are learnt.
    folds: inner folds for the calibration.
    random_state: seed of the inner folds and of the choice of rows.
    """

    card = MethodCard(
        name="kernel-localised",
        title="Localised MKL",
        family="kernel",
        fusion="intermediate",
        summary="SVM on per-modality kernels gated row by row: which modality counts depends on the row.",
        citation="Gonen and Alpaydin 2008",
        inferred="gates shared by all pairs of classes, an L2 penalty on them, principal components as their input, "
        "steps by L-BFGS; an absent modality stands at the centre",
    )

    def __init__(
        self,
        C: float = 3.0,
        penalty: float = 0.1,
        kernels: str = "few",
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
        self.kernels = kernels
        self.images = images
        self.absent = absent
        self.calibration = calibration
        self.weight_rows = weight_rows
        self.steps = steps
        self.folds = folds
        self.random_state = random_state

    def _shape(self, rows: Rows, codes: Codes) -> Shape:
        bank, p = self.bank_, len(self.bank_.kernels_)
        features = GateFeatures(bank, rows)
        sides = {kernel.modality: (kernel.X[rows], kernel.present[rows]) for kernel in bank.kernels_}
        inputs = features(sides)
        coefficients: Floats = np.zeros((p, inputs.shape[1] + 1))
        if codes.any() and p > 1:
            gated = GatedStack(bank.stack(rows), inputs, gates_open(bank, sides, len(rows), self.absent))
            objective = DualObjective(gated, make_penalty("l2", self.penalty), codes, self.C)
            coefficients = objective.minimise(coefficients.ravel(), self.steps).reshape(p, -1)
        mix = LocalMix(bank, features, coefficients, self.absent)
        return Shape(mix, coefficients.size, bank.shares(mix.own.mean(axis=0), bank.blocks_.names_))

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalties and kernels."""
        return {
            "C": Real(0.3, 300.0, log=True),
            "penalty": Real(0.01, 1.0, log=True),
            "kernels": Choice(("few", "rbf 1", "linear")),
        }
