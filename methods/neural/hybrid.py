"""Hybrid fusion: an early fusion network and one network a modality, mixed by a late rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusebench.datasets.errors import DataError
from fusebench.datasets.samples import Samples

from ..base import Labels
from ..card import MethodCard
from ..simplex import mixture_weights
from .fusion_method import FusionMethod
from .network import EARLY
from .operators.additive import Additive
from .operators.base import Operator


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralHybrid(FusionMethod):
    """s(c) = w_e p_e(c) + sum_m w_m p_m(c): an early fusion network's p_e and unimodal p_m, all trained independently.

    p_e is the network of ``neural-additive``, p_m are those of ``neural-late-mean``: with the same settings they are
    the same to the last bit, so that weight 1 on p_e is the early model and weight 0 the late one.
    The weights lie on the simplex. By default they are those that best explain the labels of the validation rows that
    early stopping watched: the weights of a mixture, by expectation maximisation, with one made-up row a network so
    that few rows leave them near equal. In a row that lacks a modality its p_m is dropped and the rest reweighted.

    Parameters of the networks: those of ``neural-additive`` and ``neural-late-mean`` together, and M + 1 weights that
    are not counted.

    Parameters
    ----------
    early_weight: w_e, between 0 and 1, the rest shared equally by the p_m; None learns all weights.
    others: see ``FusionMethod``.

    Attributes
    ----------
    late_weights_: name of the network ("early" or a modality) to its weight.
    """

    card = MethodCard(
        name="neural-hybrid",
        title="Hybrid fusion networks",
        family="neural",
        fusion="hybrid",
        summary="Mixes an early fusion network with one network a modality, by weights learnt on validation rows.",
        citation="Hybrid fusion of the review: a late rule over an early fusion model and unimodal models.",
        inferred="Late rule: mixture weights by expectation maximisation; early model: additive fusion.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
        requires=("torch",),
        extra="neural",
    )

    early_weight: float | None = None

    def _check(self, samples: Samples) -> None:
        super()._check(samples)
        if self.early_weight is not None and not 0.0 <= self.early_weight <= 1.0:
            raise DataError(f"early_weight {self.early_weight!r}: use a number between 0 and 1, or None to learn it")

    def _settle(self, samples: Samples, y: Labels) -> None:
        if self.early_weight is None:
            self.late_weights_ = self._learnt_weights(samples[self.validation_rows_], y[self.validation_rows_])
        else:
            alone = [name for name in self.networks_ if name != EARLY]
            share = dict.fromkeys(alone, (1.0 - self.early_weight) / max(1, len(alone)))
            self.late_weights_ = {EARLY: self.early_weight, **share}

    def _learnt_weights(self, samples: Samples, y: Labels) -> dict[str, float]:
        codes = np.searchsorted(self.classes_, y)
        members = self.member_probabilities(samples)
        likelihood = np.stack([proba[np.arange(len(y)), codes] for proba in members.values()], axis=1)
        weights = mixture_weights(likelihood[~np.isnan(likelihood).any(axis=1)])
        return dict(zip(members, weights.tolist(), strict=True))

    def _late_weights(self) -> dict[str, float]:
        return self.late_weights_

    def _members(self, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        return {EARLY: names, **{_alone(name): (name,) for name in names}}

    def _operator(
        self, widths: Sequence[int], tokens: Sequence[tuple[int, int]], n_classes: int, *, plain: bool
    ) -> Operator:
        return Additive(widths, self.hidden)


def _alone(name: str) -> str:
    """The unimodal network's name; a modality called like the early network must not replace it."""
    return name if name != EARLY else f"{name} alone"
