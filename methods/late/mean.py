"""Late fusion by the sum rule: the mean of what the modalities say, with equal or given weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import Samples

from ..base import Proba
from ..card import MethodCard
from ..vectors import Codes, Floats
from .method import RuleMethod
from .rules import mean


@dataclass(kw_only=True, eq=False, repr=False)
class LateMean(RuleMethod):
    """s(c) = sum_m w_m p_m(c), with weights on the simplex that are equal or given, never learnt.

    In a row that lacks a modality the weights of the rest are scaled to sum to 1.

    Parameters
    ----------
    weights: modality name to its non-negative weight, 0 for those not named; equal weights when omitted.
    others: see ``RuleMethod``.
    """

    card = MethodCard(
        name="late-mean",
        title="Late mean",
        family="ensemble",
        fusion="late",
        summary="One base learner a modality, calibrated; the mean of their probabilities.",
        citation="Kittler, Hatef, Duin, Matas 1998, On combining classifiers (the sum rule)",
        inferred="Base learners and their calibration; an absent modality leaves the mean.",
        bases=("concat-logistic",),
    )

    weights: Mapping[str, float] | None = None

    def _learn(self, samples: Samples, codes: Codes) -> None:
        given = dict.fromkeys(samples.names, 1.0) if self.weights is None else self.weights
        if bad := {name: w for name, w in given.items() if not 0 <= w < np.inf}:
            raise DataError(f"weights {bad}: use finite numbers that are not negative")
        super()._learn(samples, codes)
        self.modality_weights_ = {name: float(given.get(name, 0.0)) for name in self.experts_}

    def _rule(self, proba: Floats) -> Proba:
        return mean(proba, self.prior_, np.array(list(self.modality_weights_.values())))
