"""The simplest graphical model for fusion: given the class, all features of all modalities are independent."""

from __future__ import annotations

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace, Whole
from ..vectors import Codes, Floats
from .bayes_net import BayesNet
from .discretise import Cuts, Table
from .knowledge import Knowledge
from .network import Parents
from .tables import Counts, class_prior, conditional


class NaiveBayes(BayesNet):
    """Discrete naive Bayes over the features of all modalities: p(c | x) ~ p(c) prod_j p(x_j | c).

    p(x_j = v | c) = (N_jvc + alpha) / (N_jc + alpha r_j), with counts over the rows where x_j is present. A missing x_j
    drops its factor, which is the exact marginal.

    Parameters
    ----------
    bins: most quantile bins of a numeric column.
    alpha: Dirichlet prior, in counts a value.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows.
    cuts: "quantile", or "mdl" for entropy cuts, whose number the training labels pay for.
    """

    card = MethodCard(
        name="naive-bayes",
        title="Naive Bayes",
        family="graphical",
        fusion="intermediate",
        summary="Bayesian network in which all features of all modalities are independent given the class.",
        citation="Friedman, Geiger and Goldszmidt 1997, section 2",
        inferred="quantile bins in place of entropy-based ones",
        requires=("pgmpy",),
        extra="graphical",
    )

    def __init__(self, bins: int = 5, alpha: float = 1.0, max_columns: int = 2000, cuts: Cuts = "quantile") -> None:
        self.bins = bins
        self.alpha = alpha
        self.max_columns = max_columns
        self.cuts = cuts

    def _network(
        self, table: Table, codes: Codes, counts: Counts, knowledge: Knowledge
    ) -> tuple[tuple[Parents, ...], tuple[Floats, ...]]:
        D, k = len(self.levels_), len(self.classes_)
        alone = conditional(counts, self.levels_, self.alpha)
        tables = [alone[j, :levels].T for j, levels in enumerate(self.levels_)]
        return (*[(D,)] * D, ()), (*tables, class_prior(codes, k, self.alpha))

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Cuts, bins and prior counts."""
        return {"bins": Whole(2, 10), "alpha": Real(0.1, 10.0, log=True), "cuts": Choice(("quantile", "mdl"))}
