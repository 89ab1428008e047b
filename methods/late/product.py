"""Late fusion by the Bayesian product: exact when the modalities are independent given the class."""

from __future__ import annotations

from dataclasses import dataclass

from ..base import Proba
from ..card import MethodCard
from ..vectors import Floats
from .method import RuleMethod
from .rules import product


@dataclass(kw_only=True, eq=False, repr=False)
class LateProduct(RuleMethod):
    """s(c) ~ pi(c)^(1-M) prod_m p_m(c), in logarithms with clipping; settings as in ``RuleMethod``.

    pi are the class frequencies of the training rows. An expert that says pi, and one that is silent because its
    modality is absent, change nothing. Evidence that two modalities share is counted twice: a copy of a modality makes
    the rule surer than it should be.

    When a modality is absent in some training rows, its evidence is weighed against the class frequencies of the
    rows that have it, p_m / pi_m, so that being measured is not taken for evidence.
    """

    card = MethodCard(
        name="late-product",
        title="Late Bayesian product",
        family="ensemble",
        fusion="late",
        summary="One base learner a modality, calibrated; their evidence multiplies, the prior counting once.",
        citation="Kittler, Hatef, Duin, Matas 1998, On combining classifiers (the product rule with priors)",
        inferred="Base learners, calibration around the prior, clipping at 1e-6; an absent modality says the prior.",
        bases=("concat-logistic",),
    )

    def _rule(self, proba: Floats) -> Proba:
        return product(proba, self.prior_, self._priors())
