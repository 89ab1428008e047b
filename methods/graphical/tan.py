"""Naive Bayes with a tree on top: each feature may also depend on one other feature, of any modality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import MethodCard
from ..space import Choice, Real, SearchSpace, Whole
from ..vectors import Codes, Floats
from .bayes_net import BayesNet
from .class_tree import expert_tree
from .discretise import Cuts, Table
from .knowledge import Knowledge
from .network import Parents, family_counts
from .tables import Counts, class_prior, conditional, conditional_mutual_information
from .tree import spanning_tree


class TAN(BayesNet):
    """Tree-augmented naive Bayes: p(c) prod_j p(x_j | c, x_parent(j)), the parents forming the best tree.

    The tree is the maximum spanning tree under I(X_i; X_j | C), rooted at the first column, with D - 1 edges; where
    expert knowledge directs or forbids edges, the heaviest directed tree that it allows, or forest if there is none.
    With N_cp training rows of class c and parent value p, a table is the weighted mean of the row's own frequencies
    (weight N_cp) and of naive Bayes' p(x_j | c) (weight ``strength``), so that where features are independent given the
    class TAN is naive Bayes. Missing cells are summed out exactly.

    Parameters
    ----------
    bins: most quantile bins of a numeric column.
    alpha: Dirichlet prior of p(x_j | c), in counts a value.
    strength: counts that naive Bayes' table weighs in each parent's row.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows.
    cuts: "quantile", or "mdl" for entropy cuts, whose number the training labels pay for.
    tiers, required, forbidden: expert knowledge of the edges between features, see ``knowledge.Knowledge``; the class
        points at every feature whatever they say.
    """

    card = MethodCard(
        name="tan",
        title="Tree-augmented naive Bayes",
        family="graphical",
        fusion="intermediate",
        summary="Naive Bayes plus the best tree of dependences between features, within and across modalities.",
        citation="Friedman, Geiger and Goldszmidt 1997",
        inferred="quantile bins; tables shrink towards p(x|c) where the paper's shrink to p(x); preselected columns",
        requires=("pgmpy",),
        extra="graphical",
    )

    def __init__(
        self,
        bins: int = 4,
        alpha: float = 1.0,
        strength: float = 5.0,
        max_columns: int = 100,
        cuts: Cuts = "quantile",
        tiers: Sequence[Sequence[str]] = (),
        required: Sequence[str] = (),
        forbidden: Sequence[str] = (),
    ) -> None:
        self.bins = bins
        self.alpha = alpha
        self.strength = strength
        self.max_columns = max_columns
        self.cuts = cuts
        self.tiers = tiers
        self.required = required
        self.forbidden = forbidden

    def _network(
        self, table: Table, codes: Codes, counts: Counts, knowledge: Knowledge
    ) -> tuple[tuple[Parents, ...], tuple[Floats, ...]]:
        D, k = len(self.levels_), len(self.classes_)
        self.parents_ = self._tree(conditional_mutual_information(table, codes, self.levels_, k), knowledge)
        alone = conditional(counts, self.levels_, self.alpha)
        full, levels = np.column_stack([table, codes]), (*self.levels_.tolist(), k)
        parents: list[Parents] = [(D,) if p < 0 else (D, int(p)) for p in self.parents_]
        tables = [alone[j, : levels[j]].T for j in range(D)]
        for j, above in enumerate(parents):
            if len(above) == 2:
                found, prior = family_counts(full, levels, above, j), tables[j][:, None, :]
                tables[j] = (found + self.strength * prior) / (found.sum(axis=2, keepdims=True) + self.strength)
        return (*parents, ()), (*tables, class_prior(codes, k, self.alpha))

    def _tree(self, weights: Floats, knowledge: Knowledge) -> Codes:
        """Each column's parent beside the class, -1 for none."""
        if not (self.tiers or self.required or self.forbidden):
            return spanning_tree(weights)
        return expert_tree(weights, knowledge, self.columns_, self.features_, "TAN")

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Cuts, bins and how far the tables are shrunk towards naive Bayes."""
        return {"bins": Whole(2, 8), "strength": Real(1.0, 50.0, log=True), "cuts": Choice(("quantile", "mdl"))}
