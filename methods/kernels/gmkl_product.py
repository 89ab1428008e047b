"""Generalised multiple kernel learning of a product: modalities interact, and each has a scale that is learnt."""

from __future__ import annotations

import numpy as np

from fusebench.datasets.splits import Rows

from ..calibrate import FOLDS
from ..card import MethodCard
from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .bank import Images
from .descent import DualObjective, Norm, make_penalty
from .mix import Absent
from .product_mix import ProductMix
from .product_scales import Level, ProductScales
from .shaped import Shape, ShapedSVM


class KernelGmklProduct(ShapedSVM):
    """SVM on prod_m exp(-d_m D_m(x, x')), where d >= 0 minimises the SVM's own optimum plus a penalty on d (GMKL).

    D_m is the squared distance in modality m over twice the squared median distance, or, at the level of features, that
    in a single column, which makes the product the Gaussian of automatic relevance determination. A product can
    follow what only shows in several modalities together; a sum of kernels of one modality each cannot.

    Parameters
    ----------
    C: the SVM's penalty, for the scales and for the machine.
    penalty: of the scales, in units of the SVM's optimum without any kernel.
    norm: "l1" or "l2".
    level: "modality" or "feature"; a modality wider than ``product_scales.FEATURE_COLUMNS`` has one scale all the same.
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``product_mix.ProductMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    weight_rows: most training rows that the scales are learnt from (stratified by class, by subject).
    steps: most solutions of the SVM while the scales are learnt.
    folds: inner folds for the calibration.
    random_state: seed of the inner folds and of the choice of rows.
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
    kernels = "rbf 1"

    def __init__(
        self,
        C: float = 3.0,
        penalty: float = 0.1,
        norm: Norm = "l1",
        level: Level = "modality",
        images: Images = "flat",
        absent: Absent = "neutral",
        calibration: str = "platt",
        weight_rows: int = 400,
        steps: int = 20,
        folds: int = FOLDS,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.penalty = penalty
        self.norm = norm
        self.level = level
        self.images = images
        self.absent = absent
        self.calibration = calibration
        self.weight_rows = weight_rows
        self.steps = steps
        self.folds = folds
        self.random_state = random_state

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
