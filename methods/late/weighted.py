"""Late fusion by a mean whose weights follow each modality's validation loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import Samples

from ..base import Proba
from ..card import MethodCard
from ..space import Real, SearchSpace
from ..vectors import Codes, Floats
from .method import RuleMethod
from .rules import mean

Weighting = Literal["softmax", "inverse"]


@dataclass(kw_only=True, eq=False, repr=False)
class LateWeighted(RuleMethod):
    """s(c) = sum_m w_m p_m(c), with w_m from the log-loss of modality m on inner folds by subject.

    Equal losses give the plain mean; the smaller ``tau``, the more the best modality decides alone. The unit of
    ``tau`` is what the best modality gains over the prior, so that one value suits many and few classes, strong and
    weak evidence: a modality that gains nothing gets exp(-1/tau) of the best one's weight.

    Parameters
    ----------
    weighting: "softmax" for w_m ~ exp(-loss_m / (tau gain)), "inverse" for w_m ~ 1 / loss_m.
    tau: see above; above 0. Not used by "inverse".
    others: see ``RuleMethod``.

    Attributes
    ----------
    losses_: modality name to its out-of-fold log-loss in nats, over the rows that have it.
    """

    card = MethodCard(
        name="late-weighted",
        title="Late weighted mean",
        family="ensemble",
        fusion="late",
        summary="One base learner a modality, calibrated; a mean with weights that fall with the validation loss.",
        citation="Validation-weighted late fusion of the review: w ~ exp(-loss / tau) or 1 / loss",
        inferred="tau in units of the best modality's gain over the prior; base learners and their calibration.",
        bases=("concat-logistic",),
    )

    weighting: Weighting = "softmax"
    tau: float = 0.25

    @classmethod
    def search_space(cls) -> SearchSpace:
        """The base learners' penalty, and how sharply the loss decides."""
        return {**super().search_space(), "tau": Real(0.05, 5.0, log=True)}

    def _learn(self, samples: Samples, codes: Codes) -> None:
        if self.weighting not in get_args(Weighting) or not self.tau > 0:
            raise DataError(
                f"weighting {self.weighting!r}, tau {self.tau!r}: use {' or '.join(get_args(Weighting))}, tau above 0"
            )
        super()._learn(samples, codes)

    def _learns(self) -> bool:
        return True

    def _settle(self, honest: Floats, codes: Codes) -> None:
        floor = -float(np.log(self.prior_[codes]).mean()) if len(codes) else 0.0
        losses = np.array([_log_loss(proba, codes, floor) for proba in honest])
        if self.weighting == "inverse":
            weights = inverse_weights(losses)
        else:
            weights = softmax_weights(losses, self.tau * (floor - losses.min(initial=floor)))
        self.losses_ = dict(zip(self.experts_, losses.tolist(), strict=True))
        self.modality_weights_ = dict(zip(self.experts_, weights.tolist(), strict=True))

    def _rule(self, proba: Floats) -> Proba:
        return mean(proba, self.prior_, np.array(list(self.modality_weights_.values())))


def softmax_weights(losses: Floats, tau: float) -> Floats:
    """Weights on the simplex, w_m ~ exp(-loss_m / tau), shape (M,); equal when tau is 0."""
    weights = np.exp(-(losses - losses.min(initial=np.inf)) / tau) if tau > 0 else np.ones(len(losses))
    return weights / weights.sum()


def inverse_weights(losses: Floats) -> Floats:
    """Weights on the simplex, w_m ~ 1 / loss_m, shape (M,); losses below a thousandth of the largest count as that."""
    weights = 1.0 / np.maximum(losses, max(1e-3 * losses.max(initial=0.0), np.finfo(float).tiny))
    return weights / weights.sum()


def _log_loss(proba: Floats, codes: Codes, floor: float) -> float:
    """Mean log-loss of the rows in which the expert spoke; that of the prior when there are none."""
    said = proba[np.arange(len(codes)), codes]
    said = said[~np.isnan(said)]
    return float(-np.log(np.maximum(said, 1e-12)).mean()) if len(said) else floor
