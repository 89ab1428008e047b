"""What the methods share whose kernel is no weighted sum, but has parameters of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fusebench.datasets.splits import Rows

from ..vectors import Codes
from .descent import DescentSVM
from .mix import Mix


class Shape(NamedTuple):
    """A learnt kernel, how many parameters it has, and how much each modality counts in it (summing to 1, or zero)."""

    mix: Mix
    size: int
    strengths: dict[str, float]


@dataclass(kw_only=True, eq=False, repr=False)
class ShapedSVM(DescentSVM):
    """SVM on one kernel for all classes whose parameters are learnt; a subclass gives ``_shape``."""

    C: float = 3.0

    def _learn_from(self, rows: Rows, codes: Codes) -> list[Mix]:
        if not self.bank_.kernels_:
            return self._mixes(np.zeros((1, 0)))
        shape = self._shape(rows, np.unique(codes[rows], return_inverse=True)[1])
        self.modality_weights_ = {name: shape.strengths.get(name, 0.0) for name in self.bank_.blocks_.names_}
        self.n_parameters_ += shape.size
        return [shape.mix]

    def _shape(self, rows: Rows, codes: Codes) -> Shape:
        """The kernel that some training rows teach; there is at least one base kernel.

        ``codes`` are those of the rows, 0..k-1, all of them; k may be 1.
        """
        raise NotImplementedError
