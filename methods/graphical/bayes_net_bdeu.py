"""A general Bayesian network found by hill climbing, of the highest posterior probability."""

from __future__ import annotations

from collections.abc import Sequence

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace, Whole
from .discretise import Cuts
from .scores import BDeu, Score
from .searched_net import SearchedNet


class BayesNetBDeu(SearchedNet):
    """Any network over the class and the features, found by tabu hill climbing on the BDeu score.

    Structure and tables share one prior: a uniform table of `ess` rows, spread over the cells of each family.

    Parameters
    ----------
    bins: most quantile bins of a numeric column.
    ess: equivalent sample size, in rows; more of it makes more edges.
    max_parents: most parents of a variable.
    tabu: moves for which a changed pair rests, and moves that the search goes on past a peak.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows.
    cuts: "quantile", or "mdl" for entropy cuts, whose number the training labels pay for.
    tiers, required, forbidden: expert knowledge of the edges, see ``knowledge.Knowledge``.
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

    def __init__(
        self,
        bins: int = 4,
        ess: float = 10.0,
        max_parents: int = 3,
        tabu: int = 10,
        max_columns: int = 40,
        cuts: Cuts = "quantile",
        tiers: Sequence[Sequence[str]] = (),
        required: Sequence[str] = (),
        forbidden: Sequence[str] = (),
    ) -> None:
        self.bins = bins
        self.ess = ess
        self.max_parents = max_parents
        self.tabu = tabu
        self.max_columns = max_columns
        self.cuts = cuts
        self.tiers = tiers
        self.required = required
        self.forbidden = forbidden

    def _score(self) -> Score:
        return BDeu(self.ess)

    def _prior(self, q: int, r: int) -> float:
        return self.ess / (q * r)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Cuts, bins and the prior's weight."""
        return {"bins": Whole(2, 8), "ess": Real(1.0, 100.0, log=True), "cuts": Choice(("quantile", "mdl"))}
