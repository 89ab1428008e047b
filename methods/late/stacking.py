"""Late fusion by stacking: a second learner on what the modalities' experts say of rows that they have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fusebench.datasets.samples import Samples

from ..base import Proba
from ..card import MethodCard
from ..space import Real, SearchSpace
from ..vectors import Codes, Floats, block_shares, logistic
from .evidence import evidence
from .expert import completed
from .method import LateMethod


@dataclass(kw_only=True, eq=False, repr=False)
class LateStacking(LateMethod):
    """Multinomial logistic regression on [l_1 .. l_M], with l_m(c) = log p_m(c) - log pi_m(c) on inner folds.

    The rows that the second learner sees come from experts that saw neither them nor their subjects. An absent
    modality is zero in its C columns: it says the prior.

    Parameters
    ----------
    penalty: inverse strength of the second learner's L2 penalty.
    others: see ``LateMethod``.
    """

    card = MethodCard(
        name="late-stacking",
        title="Late stacking",
        family="ensemble",
        fusion="late",
        summary="Logistic regression on the out-of-fold log-probabilities of one base learner a modality.",
        citation="Wolpert 1992, Stacked generalization; Ting and Witten 1999 for probabilities as its input",
        inferred="Base learners; evidence relative to the prior, so that an absent modality is zero.",
        bases=("concat-logistic",),
    )

    penalty: float = 0.1

    @classmethod
    def search_space(cls) -> SearchSpace:
        """The penalties of the base learners and of the second learner."""
        return {**super().search_space(), "penalty": Real(1e-3, 10.0, log=True)}

    def _learn(self, samples: Samples, codes: Codes) -> None:
        super()._learn(samples, codes)
        rows, honest = self._honest(samples, codes)
        heard = ~np.isnan(honest).all(axis=(0, 2))
        codes = codes[rows[heard]]
        self.second_: Any = None
        if len(np.unique(codes)) > 1:  # else nothing tells how far to trust the experts, and the prior stands
            columns = self._columns(honest[:, heard])
            self.second_ = logistic(self.penalty).fit(columns, codes)
            self.n_parameters_ += self.second_.coef_.size + self.second_.intercept_.size
            # An expert that knows little says little: what counts is the coefficient times what it is applied to.
            moved = (self.second_.coef_**2).sum(axis=0) * columns.var(axis=0)
            self.modality_weights_ = block_shares(moved, dict.fromkeys(self.experts_, len(self.prior_)))

    def _joined(self, spoken: Floats) -> Proba:
        n, k = spoken.shape[1:]
        if self.second_ is None:
            return np.tile(self.prior_, (n, 1))
        proba = np.zeros((n, k))
        proba[:, self.second_.classes_] = self.second_.predict_proba(self._columns(spoken))
        return completed(proba, self.prior_, self.second_.classes_)

    def _columns(self, spoken: Floats) -> Floats:
        """Evidence of (experts, n, C) side by side, shape (n, experts x C)."""
        return np.hstack(list(evidence(spoken, self._priors()[:, None, :])))
