"""Multiple kernels, each weighing as much as it agrees with the labels."""

from __future__ import annotations

from dataclasses import dataclass

from ..card import MethodCard
from ..vectors import Codes
from .alignment import Solver, align_weights, label_kernels, package_align, solver_of
from .base_kernel import Floats
from .learnt import LearntSVM


@dataclass(kw_only=True, eq=False, repr=False)
class KernelAlign(LearntSVM):
    """SVM on kernels weighted by their centred alignment with the labels' kernel (ALIGN).

    A kernel's weight does not depend on the other kernels, so that many alike weigh much together.

    Parameters
    ----------
    classes: "shared", one mix for all classes, or "each", one mix a class against the rest.
    solver: "own", or "mklaren": that package, which is many times slower.
    others: see ``LearntSVM``.
    """

    card = MethodCard(
        name="kernel-align",
        title="ALIGN + SVM",
        family="kernel",
        fusion="intermediate",
        summary="SVM on per-modality kernels, each weighing as much as it is aligned with the labels.",
        citation="Cortes, Mohri and Rostamizadeh 2012",
        inferred="weights shared by all classes (class-balanced label kernel); an absent modality stands at the centre",
    )

    solver: Solver = "own"

    def _learnt(self, stack: Floats, codes: Codes, each: bool) -> Floats:
        solve = solver_of(self.solver, align_weights, package_align)
        found = solve(stack, label_kernels(codes, each))
        return found if each else found[0]
