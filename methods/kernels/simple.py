"""SimpleMKL: the weights on the simplex that minimise the support vector machine's own objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..card import MethodCard
from ..vectors import Codes
from .base_kernel import Floats
from .learnt import LearntSVM
from .level import level_weights
from .reduced_gradient import gradient_weights
from .svm_dual import MixDual

MOST_SOLVES = 200
"""Machines that the search for one mix may fit; a note tells when it stops there."""

Solver = Literal["level", "gradient"]


@dataclass(kw_only=True, eq=False, repr=False)
class KernelSimple(LearntSVM):
    """SVM on the mix of kernels, d >= 0 and sum d = 1, on which its objective is least (SimpleMKL).

    The mix is sparse: the l1 norm of the weights drives kernels out.

    Parameters
    ----------
    C: the SVM's penalty, also while the weights are learnt.
    classes: "shared", one mix, which minimises the sum over all pairs of classes; or "each", one mix a class.
    gap: duality gap at which the search stops, as a share of the objective.
    solver: "level", which needs several times fewer machines; or "gradient", the descent of the method's paper.
    others: see ``LearntSVM``.
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

    gap: float = 0.01
    solver: Solver = "level"

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
