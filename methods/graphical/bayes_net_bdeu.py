"""A general Bayesian network found by hill climbing, of the highest posterior probability."""

from __future__ import annotations

from dataclasses import dataclass

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace, Whole
from .scores import BDeu, Score
from .searched_net import SearchedNet


@dataclass(kw_only=True, eq=False, repr=False)
class BayesNetBDeu(SearchedNet):
    """Any network over the class and the features, found by tabu hill climbing on the BDeu score.

    Structure and tables share one prior: a uniform table of `ess` rows, spread over the cells of each family.

    Parameters
    ----------
    ess: equivalent sample size, in rows; more of it makes more edges.
    others: see ``SearchedNet``.
    """

    card = MethodCard(
        name="bayes-net-bdeu",
        title="Bayesian network (BDeu)",
        family="graphical",
        fusion="intermediate",
        summary="Bayesian network over the class and all features, found by hill climbing on the BDeu score.",
        citation="Heckerman, Geiger and Chickering 1995",
        inferred="quantile bins; tabu list and a dozen climbs; bound on columns; scores of families with missing cells",
        requires=("pgmpy",),
        extra="graphical",
    )

    ess: float = 10.0

    def _score(self) -> Score:
        return BDeu(self.ess)

    def _prior(self, q: int, r: int) -> float:
        return self.ess / (q * r)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Cuts, bins and the prior's weight."""
        return {"bins": Whole(2, 8), "ess": Real(1.0, 100.0, log=True), "cuts": Choice(("quantile", "mdl"))}
