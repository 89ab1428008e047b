"""A general Bayesian network found by hill climbing, in which every parameter has to pay for itself."""

from __future__ import annotations

from dataclasses import dataclass

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace, Whole
from .scores import BIC, Score
from .searched_net import SearchedNet


@dataclass(kw_only=True, eq=False, repr=False)
class BayesNetBIC(SearchedNet):
    """Any network over the class and the features, found by tabu hill climbing on the BIC score.

    The tables take `alpha` prior counts a cell, which the score does not know of.

    Parameters
    ----------
    alpha: Dirichlet prior of the tables, in counts a cell.
    others: see ``SearchedNet``.
    """

    card = MethodCard(
        name="bayes-net-bic",
        title="Bayesian network (BIC)",
        family="graphical",
        fusion="intermediate",
        summary="Bayesian network over the class and all features, found by hill climbing on the BIC score.",
        citation="Schwarz 1978; Koller and Friedman 2009, section 18.3",
        inferred="quantile bins; tabu list and a dozen climbs; bound on columns; scores of families with missing cells",
        requires=("pgmpy",),
        extra="graphical",
    )

    alpha: float = 1.0

    def _score(self) -> Score:
        return BIC()

    def _prior(self, q: int, r: int) -> float:
        return self.alpha

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Cuts, bins and prior counts."""
        return {"bins": Whole(2, 8), "alpha": Real(0.1, 10.0, log=True), "cuts": Choice(("quantile", "mdl"))}
