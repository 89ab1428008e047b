"""Multiple kernels, each weighing as much as it agrees with the labels."""

from __future__ import annotations

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .alignment import Solver, align_weights, label_kernels, package_align, solver_of
from .bank import Images
from .base_kernel import Floats
from .learnt import Classes, LearntSVM
from .mix import Absent


class KernelAlign(LearntSVM):
    """SVM on kernels weighted by their centred alignment with the labels' kernel (ALIGN).

    A kernel's weight does not depend on the other kernels, so that many alike weigh much together.

    Parameters
    ----------
    C: the SVM's penalty.
    kernels: a set of ``bank.KERNELS``, or one form for every modality, such as "rbf 0.5" or "linear".
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``mix.LinearMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    classes: "shared", one mix for all classes, or "each", one mix a class against the rest.
    solver: "own", or "mklaren": that package, which is many times slower.
    weight_rows: most training rows that the weights are learnt from (stratified by class, by subject).
    folds: inner folds for the calibration.
    random_state: seed of the inner folds and of the choice of rows.
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

    def __init__(
        self,
        C: float = 1.0,
        kernels: str = "three",
        images: Images = "flat",
        absent: Absent = "neutral",
        calibration: str = "platt",
        classes: Classes = "shared",
        solver: Solver = "own",
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
        self.solver = solver
        self.weight_rows = weight_rows
        self.folds = folds
        self.random_state = random_state

    def _learnt(self, stack: Floats, codes: Codes, each: bool) -> Floats:
        solve = solver_of(self.solver, align_weights, package_align)
        found = solve(stack, label_kernels(codes, each))
        return found if each else found[0]

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty and the set of kernels."""
        return {"C": Real(0.1, 100.0, log=True), "kernels": Choice(("few", "three", "ladder"))}
