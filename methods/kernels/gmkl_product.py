"""Generalised multiple kernel learning of a product: modalities interact, and each has a scale that is learnt."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fusebench.datasets.splits import Rows

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .descent import DualObjective, Norm, make_penalty
from .product_mix import ProductMix
from .product_scales import Level, ProductScales
from .shaped import Shape, ShapedSVM


@dataclass(kw_only=True, eq=False, repr=False)
class KernelGmklProduct(ShapedSVM):
    """SVM on prod_m exp(-d_m D_m(x, x')), where d >= 0 minimises the SVM's own optimum plus a penalty on d (GMKL).

    D_m is the squared distance in modality m over twice the squared median distance, or, at the level of features, that
    in a single column, which makes the product the Gaussian of automatic relevance determination. A product can
    follow what only shows in several modalities together; a sum of kernels of one modality each cannot.

    Parameters
    ----------
    norm: "l1" or "l2".
    level: "modality" or "feature"; a modality wider than ``product_scales.FEATURE_COLUMNS`` has one scale all the same.
    absent: "neutral" or "drop" for rows without a modality, see ``product_mix.ProductMix``.
    others: see ``DescentSVM``; there is no choice of kernels.
    """

    card = MethodCard(
        name="kernel-gmkl-product",
        title="GMKL, product",
        family="kernel",
        fusion="intermediate",
        summary="SVM on a product of Gaussian kernels, one a modality, whose widths lower the SVM's own objective.",
        citation="Varma and Babu 2009",
        inferred="scales shared by all pairs of classes; an absent modality is averaged out; unit of the penalty",
    )

    norm: Norm = "l1"
    level: Level = "modality"
    kernels: str = field(default="rbf 1", init=False)  # no setting: one Gaussian a modality, whose scale is learnt

    def _shape(self, rows: Rows, codes: Codes) -> Shape:
        scales = ProductScales(self.bank_, rows, self.level, self.absent)
        d = np.full(scales.size, 1.0 / len(scales.parts))
        if codes.any():
            objective = DualObjective(scales, make_penalty(self.norm, self.penalty), codes, self.C)
            d = objective.minimise(d, self.steps, lower=0.0)
        strengths = scales.strengths(d)
        total = sum(strengths.values()) or 1.0
        mix = ProductMix(self.bank_, scales.columns(d), self.absent)
        return Shape(mix, len(d), {name: strength / total for name, strength in strengths.items()})

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalties, and what has a scale of its own."""
        return {
            "C": Real(0.1, 100.0, log=True),
            "penalty": Real(0.003, 1.0, log=True),
            "level": Choice(("modality", "feature")),
        }
