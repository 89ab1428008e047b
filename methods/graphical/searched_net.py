"""What the general Bayesian networks share: the class is a node like the others, and the graph is searched for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..vectors import Codes, Floats
from .bayes_net import BayesNet
from .discretise import Cuts, Table
from .elimination import elimination_order
from .hill_climbing import hill_climb
from .knowledge import Knowledge
from .network import CLASS, Parents, family_counts, smoothed
from .scores import FamilyScores, Score
from .tables import Counts

_MOST_CELLS = 2**24
"""Numbers in the largest table that summing out a row's missing cells may take: 128 MB."""


@dataclass(kw_only=True, eq=False, repr=False)
class SearchedNet(BayesNet):
    """A network over the class and the features found by tabu hill climbing; a subclass gives score and smoothing.

    A complete row is classified from the class's Markov blanket alone. Where a variable would get so many parents that
    summing out missing cells takes tables beyond a bound, the search is repeated with fewer.

    Parameters
    ----------
    bins: most quantile bins of a numeric column.
    max_parents: most parents of a variable.
    tabu: moves for which a changed pair rests, and moves that the search goes on past a peak.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows.
    cuts: "quantile", or "mdl" for entropy cuts, whose number the training labels pay for.
    tiers, required, forbidden: expert knowledge of the edges, see ``knowledge.Knowledge``.
    """

    bins: int = 4
    max_parents: int = 3
    tabu: int = 10
    max_columns: int = 40
    cuts: Cuts = "quantile"
    tiers: Sequence[Sequence[str]] = ()
    required: Sequence[str] = ()
    forbidden: Sequence[str] = ()

    def _score(self) -> Score:
        raise NotImplementedError

    def _prior(self, q: int, r: int) -> float:
        """Prior counts in each cell of a table with q combinations of parents and r values."""
        raise NotImplementedError

    def _learn(self, table: Table, codes: Codes, counts: Counts, knowledge: Knowledge) -> None:
        super()._learn(table, codes, counts, knowledge)
        blanket = len(self.network_.blanket)
        self.notes_.append(f"the class's Markov blanket holds {blanket} of {len(self.columns_)} columns")

    def _counting(self) -> np.ndarray:
        return np.isin(np.arange(len(self.columns_)), self.network_.blanket)

    def _network(
        self, table: Table, codes: Codes, counts: Counts, knowledge: Knowledge
    ) -> tuple[tuple[Parents, ...], tuple[Floats, ...]]:
        full, levels = np.column_stack([table, codes]), (*self.levels_.tolist(), len(self.classes_))
        parents = self._search(FamilyScores(full, levels, self._score()), knowledge)
        tables = []
        for j, above in enumerate(parents):
            found = family_counts(full, levels, above, j)
            tables.append(smoothed(found, self._prior(found.size // levels[j], levels[j])))
        return parents, tuple(tables)

    def _search(self, scores: FamilyScores, knowledge: Knowledge) -> tuple[Parents, ...]:
        allowed, required = knowledge.matrices(self.columns_)
        crowded = int(required.sum(axis=0).argmax())
        least = int(required[:, crowded].sum())
        if least > self.max_parents:
            name = [*self.features_, CLASS][crowded]
            raise ValueError(f"required: {name} has {least} parents, more than max_parents={self.max_parents}")
        most = self.max_parents
        while True:
            parents = hill_climb(scores, allowed, required, most, self.tabu, self.tabu)
            families = [[*above, j] for j, above in enumerate(parents)]
            sizes = elimination_order(families, scores.levels.tolist(), keep=len(parents) - 1)
            if max(sizes.values()) <= _MOST_CELLS or most <= max(1, least):
                break
            most -= 1
        if most < self.max_parents:
            self.notes_.append(f"at most {most} parents a variable, so that missing cells can be summed out exactly")
        return parents
