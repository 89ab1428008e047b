"""Dependences without a search: each feature in turn is a parent of all others, and those networks are averaged."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import Proba
from ..card import MethodCard
from ..space import Choice, SearchSpace, Whole
from ..structure import Structure
from ..vectors import Codes
from .bayes_net import DiscreteMethod
from .discretise import Cuts, Table
from .knowledge import Knowledge
from .network import CLASS, Network, feature_nodes
from .tables import Counts, class_prior, conditional, one_hot, pair_counts, posterior

_CELLS = 2**24
"""Numbers in the table of all pairs of values: 128 MB."""
_BLOCK = 2**21
"""Numbers that are worked on at once when predicting, in each of a few arrays: 16 MB."""


class AODE(DiscreteMethod):
    """Averaged one-dependence estimators: p(c, x) ~ mean over i of p(c, x_i) prod_j p(x_j | c, x_i).

    The mean is over the features i whose value x_i at least ``least`` training rows have; naive Bayes where there are
    none. p(c, x_i) = (N_ci + alpha) / (N_i + alpha k r_i) and p(x_j | c, x_i) = (N_cij + alpha) / (N_ci + alpha r_j),
    over the rows that have all of what is counted.

    A row is classified by what it has: a missing feature is no parent, and as a child it sums to one. So a row without
    a column gets what the model without that column would give it.

    Parameters
    ----------
    bins: most quantile bins of a numeric column.
    least: training rows that a value must have to be a parent.
    alpha: Dirichlet prior, in counts a cell.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows. They
        are fewer where the table of all pairs of values in each class would exceed 2^24 numbers.
    cuts: "quantile", or "mdl" for entropy cuts, whose number the training labels pay for.
    """

    card = MethodCard(
        name="aode",
        title="AODE",
        family="graphical",
        fusion="intermediate",
        summary="Average of the networks in which one feature of any modality is a parent of all others.",
        citation="Webb, Boughton and Wang 2005",
        inferred="quantile bins; a missing feature is no parent; preselected columns",
        requires=("pgmpy",),
        extra="graphical",
    )

    def __init__(
        self,
        bins: int = 4,
        least: int = 1,
        alpha: float = 1.0,
        max_columns: int = 100,
        cuts: Cuts = "quantile",
    ) -> None:
        self.bins = bins
        self.least = least
        self.alpha = alpha
        self.max_columns = max_columns
        self.cuts = cuts

    def _most(self, levels: Codes) -> int:
        fitting = np.cumsum(levels) ** 2 * len(self.classes_) <= _CELLS
        return max(1, min(self.max_columns, int(fitting.sum())))

    def _learn(self, table: Table, codes: Codes, counts: Counts, knowledge: Knowledge) -> None:
        k, levels, alpha = len(self.classes_), self.levels_, self.alpha
        self._starts = np.cumsum(levels) - levels
        owner = np.repeat(np.arange(len(levels)), levels)
        value = np.arange(len(owner)) - self._starts[owner]
        seen = counts[owner, value]  # (S, k), S being the values of all columns
        present = counts.sum(axis=(1, 2))[owner, None]
        self._log_prior = np.log(class_prior(codes, k, alpha))
        self._alone = np.log(conditional(counts, levels, alpha)[owner, value])
        self._joint = np.log((seen + alpha) / (present + alpha * k * levels[owner, None]))
        # A column of one value as a parent would be naive Bayes once more.
        self._parent = (seen.sum(axis=1) >= self.least) & (levels[owner] > 1)
        self._given = np.empty((k, len(owner), len(owner)))
        for c, pairs in enumerate(pair_counts(table, codes, levels, k)):
            both = np.add.reduceat(pairs, self._starts, axis=1)[:, owner]
            self._given[c] = np.log((pairs + alpha) / (both + alpha * levels[owner]))
        self._given[:, owner[:, None] == owner] = 0.0  # no column is its own parent
        parents = levels[levels > 1]
        self.n_parameters_ = int(sum(k * r - 1 + k * r * ((levels - 1).sum() - (r - 1)) for r in parents))
        self.structure_ = Structure(
            feature_nodes(self.features_, self.modalities_), tuple((CLASS, name) for name in self.features_)
        )
        self.notes_.append(
            f"averages {len(parents)} networks, in each of which one column is a parent of all others; "
            "the graph holds the edges that all share"
        )

    def _posterior(self, table: Table) -> Proba:
        step = max(1, _BLOCK // max(int(self.levels_.sum()), len(self.levels_) * len(self.classes_)))
        blocks = [self._of_block(table[i : i + step]) for i in range(0, len(table), step)]
        return np.vstack([np.empty((0, len(self.classes_))), *blocks])

    def _of_block(self, table: Table) -> Proba:
        hot = one_hot(table, self.levels_)
        at = np.where(table < 0, 0, table) + self._starts
        parent = self._parent[at] & (table >= 0)
        logs = np.empty((len(table), len(self.levels_), len(self._log_prior)))  # log p(c, x) by parent
        for c, given in enumerate(self._given):
            logs[:, :, c] = np.take_along_axis(hot @ given.T, at, axis=1)
        logs += self._joint[at]
        logs[~parent] = -np.inf
        highest = logs.max(axis=(1, 2), initial=-np.inf, keepdims=True)
        lone = ~parent.any(axis=1)
        highest[lone] = 0.0
        with np.errstate(divide="ignore"):
            total = np.log(np.exp(logs - highest).sum(axis=1))
        total[lone] = self._log_prior + hot[lone] @ self._alone
        return posterior(total)

    def to_pgmpy(self) -> dict[str, Any]:
        """The networks that are averaged, by the name of the column that is the others' parent, as pgmpy's objects.

        p(c, x) is the mean of their joint probabilities over the parents whose value at least ``least`` training rows
        have. The class variable is called "class", a feature "modality.column"; states are codes 0, 1, ... in order.
        """
        return {self.features_[i]: self._network(int(i)).to_pgmpy() for i in np.flatnonzero(self.levels_ > 1)}

    def _network(self, i: int) -> Network:
        """The network in which column i is a parent of all other columns."""
        D, k = len(self.levels_), len(self.classes_)
        values = [slice(start, start + r) for start, r in zip(self._starts, self.levels_, strict=True)]
        joint = np.exp(self._joint[values[i]]).T
        tables = [np.exp(self._given[:, values[i], values[j]]) for j in range(D)]
        tables[i] = joint / joint.sum(axis=1, keepdims=True)
        parents = [(D,) if j == i else (D, i) for j in range(D)]
        levels = (*self.levels_.tolist(), k)
        return Network((*self.features_, CLASS), levels, (*parents, ()), (*tables, joint.sum(axis=1)))

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Cuts, bins and the rows that a parent's value needs."""
        return {"bins": Whole(2, 8), "least": Whole(1, 100, log=True), "cuts": Choice(("quantile", "mdl"))}
