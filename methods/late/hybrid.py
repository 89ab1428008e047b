"""Hybrid fusion over any learners: an early learner beside one a modality, mixed by a late rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import Samples

from ..base import Proba
from ..card import MethodCard
from ..simplex import mixture_weights
from ..temperature import fit_temperature
from ..vectors import Codes, Floats
from .evidence import evidence, tempered
from .expert import Expert
from .method import RuleMethod
from .rules import mean

EARLY = "early"
"""What settings and notes call the early learner."""


@dataclass(kw_only=True, eq=False, repr=False)
class LateHybrid(RuleMethod):
    """s(c) = w_e p_e(c) + sum_m w_m p_m(c): an early learner's p_e and unimodal p_m, mixed by weights on the simplex.

    Weight 1 on p_e is the early learner alone, weight 0 is ``late-mean`` of the same base learners. By default the
    weights are those that best explain the labels of inner folds by subject: the weights of a mixture, by expectation
    maximisation. The mean of calibrated probabilities is too cautious (Ranjan and Gneiting 2010), so that a learnt mix
    gets a temperature of its own. In a row that lacks a modality its p_m is dropped and the rest reweighted.

    Parameters
    ----------
    early: method of the registry that sees all modalities. What only shows when modalities are seen together can
        reach the mix through it alone; the default finds such interactions.
    early_weight: w_e, between 0 and 1, the rest shared equally by the p_m; None learns all weights.
    others: see ``RuleMethod``; ``base_params`` may name the early learner as "early".

    Attributes
    ----------
    late_weights_: name of the expert ("early" or a modality) to its weight. temperature_: of the mix.
    """

    card = MethodCard(
        name="late-hybrid",
        title="Late hybrid",
        family="ensemble",
        fusion="hybrid",
        summary="Mixes an early fusion learner with one base learner a modality, by weights learnt on inner folds.",
        citation="Hybrid fusion of the review: a late rule over an early fusion model and unimodal models",
        inferred="Late rule: mixture weights by expectation maximisation, then a temperature; base learners.",
        bases=("concat-svm", "concat-logistic"),
    )

    early: str = "concat-svm"
    early_weight: float | None = None

    def _methods(self) -> set[str]:
        return {self.early, *super()._methods()}

    def _planned(self, names: Sequence[str]) -> dict[str, Expert]:
        return {(name := _early(names)): self._expert(name, names, self.early), **super()._planned(names)}

    def _learn(self, samples: Samples, codes: Codes) -> None:
        if self.early_weight is not None and not 0.0 <= self.early_weight <= 1.0:
            raise DataError(f"early_weight {self.early_weight!r}: use a number between 0 and 1, or None to learn it")
        self.temperature_ = 1.0
        super()._learn(samples, codes)
        if self.early_weight is not None:
            share = (1.0 - self.early_weight) / max(1, len(self.experts_) - 1)
            self.late_weights_ = {**dict.fromkeys(self.experts_, share), _early(samples.names): self.early_weight}
        told = ", ".join(f"{name} {weight:.2f}" for name, weight in self.late_weights_.items())
        self.notes_.append(f"weights: {told}")

    def _learns(self) -> bool:
        return self.early_weight is None

    def _settle(self, honest: Floats, codes: Codes) -> None:
        if self.early_weight is None:
            weights = mixture_weights(honest[:, np.arange(len(codes)), codes].T)
            self.late_weights_ = dict(zip(self.experts_, weights.tolist(), strict=True))
            self.n_parameters_ += len(weights)
            if self.calibrated:
                scores = evidence(mean(honest, self.prior_, weights), self.prior_)
                self.temperature_ = fit_temperature(scores, codes, self.prior_)
                self.n_parameters_ += 1

    def _rule(self, proba: Floats) -> Proba:
        mixed = mean(proba, self.prior_, np.array(list(self.late_weights_.values())))
        return tempered(mixed, self.prior_, self.temperature_)


def _early(names: Sequence[str]) -> str:
    """The early expert's name; it must not replace that of a modality called like it."""
    return EARLY if EARLY not in names else f"{EARLY} fusion"
