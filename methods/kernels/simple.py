"""SimpleMKL: the weights on the simplex that minimise the support vector machine's own objective."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .bank import Images
from .base_kernel import Floats
from .learnt import Classes, LearntSVM
from .level import level_weights
from .mix import Absent
from .reduced_gradient import gradient_weights
from .svm_dual import MixDual

MOST_SOLVES = 200
"""Machines that the search for one mix may fit; a note tells when it stops there."""

Solver = Literal["level", "gradient"]


class KernelSimple(LearntSVM):
    """SVM on the mix of kernels, d >= 0 and sum d = 1, on which its objective is least (SimpleMKL).

    The mix is sparse: the l1 norm of the weights drives kernels out.

    Parameters
    ----------
    C: the SVM's penalty, also while the weights are learnt.
    kernels: a set of ``bank.KERNELS``, or one form for every modality, such as "rbf 0.5" or "linear".
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``mix.LinearMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    classes: "shared", one mix, which minimises the sum over all pairs of classes; or "each", one mix a class.
    gap: duality gap at which the search stops, as a share of the objective.
    solver: "level", which needs several times fewer machines; or "gradient", the descent of the method's paper.
    weight_rows: most training rows that the weights are learnt from (stratified by class, by subject).
    folds: inner folds for the calibration.
    random_state: seed of the inner folds and of the choice of rows.
    """

    card = MethodCard(
        name="kernel-simple",
        title="SimpleMKL",
        family="kernel",
        fusion="intermediate",
        summary="SVM on the sparse mix of per-modality kernels that minimises the SVM's own objective.",
        citation="Rakotomamonjy, Bach, Canu and Grandvalet 2008; solved by the level method of Xu et al. 2009",
        inferred="an absent modality stands at the centre",
    )

    def __init__(
        self,
        C: float = 1.0,
        kernels: str = "three",
        images: Images = "flat",
        absent: Absent = "neutral",
        calibration: str = "platt",
        classes: Classes = "shared",
        gap: float = 0.01,
        solver: Solver = "level",
        weight_rows: int = 500,
        folds: int = FOLDS,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.kernels = kernels
        self.images = images
        self.absent = absent
        self.calibration = calibration
        self.classes = classes
        self.gap = gap
        self.solver = solver
        self.weight_rows = weight_rows
        self.folds = folds
        self.random_state = random_state

    def _learnt(self, stack: Floats, codes: Codes, each: bool) -> Floats:
        targets = [(codes == c).astype(np.intp) for c in np.unique(codes)] if each else [codes]
        solve = {"level": level_weights, "gradient": gradient_weights}.get(self.solver)
        if solve is None:
            raise ValueError(f"solver {self.solver!r}: use 'level' or 'gradient'")
        found = [solve(MixDual(stack, target, self.C), self.gap, MOST_SOLVES) for target in targets]
        worst = max(gap for _, gap in found)
        if worst > self.gap:
            self.notes_.append(f"weights: a duality gap of {worst:.1%} is left after {MOST_SOLVES} machines")
        return np.array([d for d, _ in found]) if each else found[0][0]

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty and the set of kernels."""
        return {"C": Real(0.1, 100.0, log=True), "kernels": Choice(("few", "three", "ladder"))}
