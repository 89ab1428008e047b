"""Multiple kernel learning by centred alignment: weights that turn the mix of kernels towards the labels."""

from __future__ import annotations

from dataclasses import dataclass

from ..card import MethodCard
from ..vectors import Codes
from .alignment import Solver, alignf_weights, label_kernels, package_alignf, solver_of
from .base_kernel import Floats
from .learnt import LearntSVM


@dataclass(kw_only=True, eq=False, repr=False)
class KernelAlignf(LearntSVM):
    """SVM on the non-negative mix of kernels that is best aligned with the labels' kernel (ALIGNF).

    The weights maximise, over d >= 0,
    <sum d_m K_m, K_y> / |sum d_m K_m|, where K_m is centred and K_y is 1 / n_c for two rows of one class c, else 0.

    Parameters
    ----------
    classes: "shared", one mix for all classes, or "each", one mix a class against the rest.
    solver: "own", or "mklaren": that package, which is many times slower.
    others: see ``LearntSVM``.
    """

    card = MethodCard(
        name="kernel-alignf",
        title="ALIGNF + SVM",
        family="kernel",
        fusion="intermediate",
        summary="SVM on the non-negative mix of per-modality kernels that is best aligned with the labels.",
        citation="Cortes, Mohri and Rostamizadeh 2012",
        inferred="weights shared by all classes (class-balanced label kernel); an absent modality stands at the centre",
    )

    solver: Solver = "own"

    def _learnt(self, stack: Floats, codes: Codes, each: bool) -> Floats:
        solve = solver_of(self.solver, alignf_weights, package_alignf)
        found = solve(stack, label_kernels(codes, each))
        return found if each else found[0]
