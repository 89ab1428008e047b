"""Localised multiple kernel learning: which kernel counts depends on where a row lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusebench.datasets.splits import Rows

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .base_kernel import Floats
from .descent import DualObjective, make_penalty
from .gates import GatedStack, GateFeatures, LocalMix, gates_open
from .shaped import Shape, ShapedSVM


@dataclass(kw_only=True, eq=False, repr=False)
class KernelLocalised(ShapedSVM):
    """SVM on sum_m eta_m(x) K_m(x, x') eta_m(x'); gates eta(x) = softmax(V x + b) lower the SVM's own optimum.

    The gates look at the first principal components of all modalities, scaled and side by side. They start equal,
    V = 0 and b = 0, and every step solves the SVM anew.

    Parameters
    ----------
    penalty: of V and b, L2; in the unit that ``DescentSVM`` tells.
    absent: "neutral" or "drop" for rows without a modality, see ``gates.LocalMix``.
    others: see ``DescentSVM``.
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

    kernels: str = "few"

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
