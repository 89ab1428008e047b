"""Multiple kernels without learning their weights: the plain average, which is hard to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .machine import KernelSVM
from .mix import Mix


@dataclass(kw_only=True, eq=False, repr=False)
class KernelUniform(KernelSVM):
    """SVM on the average of one kernel a modality; one that is zero, of a modality that does not vary, is left out.

    The sum of kernels is the kernel of the concatenated feature maps: the decision is a sum of one function a modality.
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

    kernels: str = "rbf 1"

    def _learn(self, codes: Codes, groups: np.ndarray) -> list[Mix]:
        varies = np.array([kernel.varies for kernel in self.bank_.kernels_], dtype=np.float64)
        return self._mixes(varies[None] / max(varies.sum(), 1.0))

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty and kernels."""
        return {"C": Real(0.1, 100.0, log=True), "kernels": Choice(("rbf 0.5", "rbf 1", "rbf 2", "linear", "ladder"))}
