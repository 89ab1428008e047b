"""Late fusion by the maximum rule: the most confident modality has the word."""

from __future__ import annotations

from dataclasses import dataclass

from ..base import Proba
from ..card import MethodCard
from ..vectors import Floats
from .method import RuleMethod
from .rules import largest


@dataclass(kw_only=True, eq=False, repr=False)
class LateMax(RuleMethod):
    """s(c) = max_m p_m(c), scaled to sum to 1; settings as in ``RuleMethod``.

    A copy of a modality changes nothing. In a row that lacks a modality the maximum is over the rest.
    """

    card = MethodCard(
        name="late-max",
        title="Late maximum",
        family="ensemble",
        fusion="late",
        summary="One base learner a modality, calibrated; each class gets the largest of their probabilities.",
        citation="Kittler, Hatef, Duin, Matas 1998, On combining classifiers (the max rule)",
        inferred="Base learners and their calibration; an absent modality leaves the maximum.",
        bases=("concat-logistic",),
    )

    def _rule(self, proba: Floats) -> Proba:
        return largest(proba, self.prior_)
