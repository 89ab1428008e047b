"""A general Bayesian network found by hill climbing, in which every parameter has to pay for itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace, Whole
from .discretise import Cuts
from .scores import BIC, Score
from .searched_net import SearchedNet


class BayesNetBIC(SearchedNet):
    """Any network over the class and the features, found by tabu hill climbing on the BIC score.

    The tables take `alpha` prior counts a cell, which the score does not know of.

    Parameters
    ----------
    bins: most quantile bins of a numeric column.
    alpha: Dirichlet prior of the tables, in counts a cell.
    max_parents: most parents of a variable.
    tabu: moves for which a changed pair rests, and moves that the search goes on past a peak.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows.
    cuts: "quantile", or "mdl" for entropy cuts, whose number the training labels pay for.
    tiers, required, forbidden: expert knowledge of the edges, see ``knowledge.Knowledge``.
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

    def __init__(
        self,
        bins: int = 4,
        alpha: float = 1.0,
        max_parents: int = 3,
        tabu: int = 10,
        max_columns: int = 40,
        cuts: Cuts = "quantile",
        tiers: Sequence[Sequence[str]] = (),
        required: Sequence[str] = (),
        forbidden: Sequence[str] = (),
    ) -> None:
        self.bins = bins
        self.alpha = alpha
        self.max_parents = max_parents
        self.tabu = tabu
        self.max_columns = max_columns
        self.cuts = cuts
        self.tiers = tiers
        self.required = required
        self.forbidden = forbidden

    def _score(self) -> Score:
        return BIC()

    def _prior(self, q: int, r: int) -> float:
        return self.alpha

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Cuts, bins and prior counts."""
        return {"bins": Whole(2, 8), "alpha": Real(0.1, 10.0, log=True), "cuts": Choice(("quantile", "mdl"))}
