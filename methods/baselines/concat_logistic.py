"""Early fusion at its plainest: all features side by side, then logistic regression."""

from __future__ import annotations

import numpy as np

from ..base import Proba
from ..card import MethodCard
from ..space import Real, SearchSpace
from ..vectors import Codes, Floats, VectorMethod, block_shares, logistic


class ConcatLogistic(VectorMethod):
    """Multinomial logistic regression with an L2 penalty on the concatenated features.

    Parameters
    ----------
    C: inverse strength of the penalty.
    """

    card = MethodCard(
        name="concat-logistic",
        title="Concatenation + logistic",
        family="baseline",
        fusion="early",
        role="floor",
        summary="All features side by side, then multinomial logistic regression with an L2 penalty.",
    )

    def __init__(self, C: float = 0.1) -> None:
        self.C = C

    def _learn(self, X: Floats, codes: Codes, groups: np.ndarray) -> None:
        self.model_ = logistic(self.C).fit(X, codes)
        self.n_parameters_ = self.model_.coef_.size + self.model_.intercept_.size
        self.flops_ = 2.0 * self.model_.coef_.size
        self.modality_weights_ = block_shares((self.model_.coef_**2).sum(axis=0), self.blocks_.widths_)

    def _proba(self, X: Floats) -> Proba:
        return self.model_.predict_proba(X)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """The penalty."""
        return {"C": Real(1e-3, 10.0, log=True)}
