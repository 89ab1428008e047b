"""Multiple kernels without learning their weights: the plain average, which is hard to beat."""

from __future__ import annotations

import numpy as np

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .bank import Images
from .machine import KernelSVM
from .mix import Absent, Mix


class KernelUniform(KernelSVM):
    """SVM on the average of one kernel a modality; one that is zero, of a modality that does not vary, is left out.

    The sum of kernels is the kernel of the concatenated feature maps: the decision is a sum of one function a modality.

    Parameters
    ----------
    C: the SVM's penalty.
    kernels: a set of ``bank.KERNELS``, or one form for every modality, such as "rbf 0.5" or "linear".
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``mix.LinearMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    folds: inner folds for the calibration.
    random_state: seed of the inner folds, and of the landmarks when there are many rows.
    """

    card = MethodCard(
        name="kernel-uniform",
        title="Uniform-kernel SVM",
        family="kernel",
        fusion="intermediate",
        summary="SVM on the unweighted average of one Gaussian kernel a modality: a sum of one function each.",
        citation="Lanckriet et al. 2004; Gonen and Alpaydin 2011 (survey)",
        inferred="kernels centred and scaled to unit variance; an absent modality stands at the centre",
    )

    def __init__(
        self,
        C: float = 1.0,
        kernels: str = "rbf 1",
        images: Images = "flat",
        absent: Absent = "neutral",
        calibration: str = "platt",
        folds: int = FOLDS,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.kernels = kernels
        self.images = images
        self.absent = absent
        self.calibration = calibration
        self.folds = folds
        self.random_state = random_state

    def _learn(self, codes: Codes, groups: np.ndarray) -> list[Mix]:
        varies = np.array([kernel.varies for kernel in self.bank_.kernels_], dtype=np.float64)
        return self._mixes(varies[None] / max(varies.sum(), 1.0))

    def _relearn(self, codes: Codes, groups: np.ndarray) -> None:
        return None  # nothing is learnt

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty and kernels."""
        return {"C": Real(0.1, 100.0, log=True), "kernels": Choice(("rbf 0.5", "rbf 1", "rbf 2", "linear", "ladder"))}
