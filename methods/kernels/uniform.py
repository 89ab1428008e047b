"""Multiple kernels without learning their weights: the plain average, which is hard to beat."""

from __future__ import annotations

import numpy as np

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Real, SearchSpace
from ..vectors import Codes
from .bank import Floats, KernelBank
from .machine import KernelSVM


class KernelUniform(KernelSVM):
    """SVM on the average of one kernel a modality.

    The sum of kernels is the kernel of the concatenated feature maps: the decision is a sum of one function a modality.

    Parameters
    ----------
    C: the SVM's penalty.
    width: of the Gaussian kernels, in units of the median distance; 0 for linear kernels.
    folds: inner folds for the calibration.
    random_state: seed of the inner folds.
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

    def __init__(self, C: float = 1.0, width: float = 1.0, folds: int = FOLDS, random_state: int = 0) -> None:
        self.C = C
        self.width = width
        self.folds = folds
        self.random_state = random_state

    def _bank(self) -> KernelBank:
        return KernelBank([self.width] if self.width else [], linear=not self.width)

    def _weights(self, codes: Codes, groups: np.ndarray) -> Floats:
        p = len(self.bank_.kernels_)
        return np.full(p, 1.0 / max(p, 1))

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty and kernel width."""
        return {"C": Real(0.1, 100.0, log=True), "width": Real(0.3, 3.0, log=True)}
