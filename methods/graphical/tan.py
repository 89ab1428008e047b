"""Naive Bayes with a tree on top: each feature may also depend on one other feature, of any modality."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..base import Proba
from ..card import MethodCard
from ..space import Real, SearchSpace, Whole
from ..vectors import Codes, Floats
from .bayes_net import BayesNet
from .discretise import Table
from .tables import Counts, conditional, conditional_mutual_information, posterior

_CHUNK = 256


class TAN(BayesNet):
    """Tree-augmented naive Bayes: p(c) prod_j p(x_j | c, x_parent(j)), the parents forming the best tree.

    The tree is the maximum spanning tree under I(X_i; X_j | C), rooted at the first column, with D - 1 edges.
    With N_cp training rows of class c and parent value p, a table is the weighted mean of the row's own frequencies
    (weight N_cp) and of naive Bayes' p(x_j | c) (weight ``strength``), so that where features are independent given the
    class TAN is naive Bayes. Missing cells are summed out exactly by messages from the leaves to the root.

    Parameters
    ----------
    bins: most quantile bins of a numeric column.
    alpha: Dirichlet prior of p(x_j | c), in counts a value.
    strength: counts that naive Bayes' table weighs in each parent's row.
    max_columns: most columns; beyond, those with the highest mutual information with the class on training rows.
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

    def __init__(self, bins: int = 4, alpha: float = 1.0, strength: float = 5.0, max_columns: int = 100) -> None:
        self.bins = bins
        self.alpha = alpha
        self.strength = strength
        self.max_columns = max_columns

    def _learn(self, table: Table, codes: Codes, counts: Counts) -> int:
        k = len(self.classes_)
        weights = conditional_mutual_information(table, codes, self.levels_, k)
        self.order_, self.parents_ = spanning_tree(weights)
        alone = conditional(counts, self.levels_, self.alpha)
        self.tables_: list[Floats] = []  # (k, parent's levels, own levels); the root's parent has one level
        for j, parent in enumerate(self.parents_):
            if parent < 0:
                self.tables_.append(alone[j, : self.levels_[j]].T[:, None, :])
            else:
                self.tables_.append(self._table(table[:, j], table[:, parent], codes, alone[j], j, parent))
        self._logs = [np.log(t) for t in self.tables_]
        return sum((t.shape[2] - 1) * t.shape[1] * k for t in self.tables_)

    def _table(self, own: Table, other: Table, codes: Codes, alone: Floats, j: int, parent: int) -> Floats:
        k, mine, theirs = len(self.classes_), int(self.levels_[j]), int(self.levels_[parent])
        both = (own >= 0) & (other >= 0)
        cell = (codes[both] * theirs + other[both]) * mine + own[both]
        counts = np.bincount(cell, minlength=k * theirs * mine).reshape(k, theirs, mine)
        prior = alone[:mine].T[:, None, :]
        return (counts + self.strength * prior) / (counts.sum(axis=2, keepdims=True) + self.strength)

    def _posterior(self, table: Table) -> Proba:
        log_joint = np.tile(np.log(self.prior_), (len(table), 1))
        holes = (table < 0).any(axis=1)
        log_joint[~holes] += self._complete(table[~holes])
        for rows in np.split(np.flatnonzero(holes), range(_CHUNK, int(holes.sum()), _CHUNK)):
            log_joint[rows] += self._marginal(table[rows])
        return posterior(log_joint)

    def _complete(self, table: Table) -> Floats:
        """log p(x | c) of rows without a missing cell, (n, k)."""
        total = np.zeros((len(table), len(self.classes_)))
        for j, parent in enumerate(self.parents_):
            above = table[:, parent] if parent >= 0 else np.zeros(len(table), dtype=np.intp)
            total += self._logs[j][:, above, table[:, j]].T
        return total

    def _marginal(self, table: Table) -> Floats:
        """log p(x | c) with the missing cells summed out, (n, k): each column tells its parent what lies below it."""
        n, k = len(table), len(self.classes_)
        below = [np.ones((n, k, int(levels))) for levels in self.levels_]
        log_scale = np.zeros((n, k))
        for j in self.order_[::-1]:
            here = below[j]
            known = np.flatnonzero(table[:, j] >= 0)
            allowed = np.zeros((len(known), here.shape[2]))
            allowed[np.arange(len(known)), table[known, j]] = 1.0
            here[known] *= allowed[:, None, :]
            message = np.einsum("cpv,ncv->ncp", self.tables_[j], here, optimize=True)
            # Long branches would underflow: keep the largest value apart, as a logarithm.
            largest = message.max(axis=2, keepdims=True)
            log_scale += np.log(largest[:, :, 0])
            if self.parents_[j] >= 0:
                below[self.parents_[j]] *= message / largest
        return log_scale

    def _tables(self) -> Iterator[tuple[str, int, tuple[str, int] | None, Floats]]:
        for j, parent in enumerate(self.parents_):
            above = (self.features_[parent], int(self.levels_[parent])) if parent >= 0 else None
            values = np.moveaxis(self.tables_[j], 2, 0)
            yield self.features_[j], int(self.levels_[j]), above, values.reshape(len(values), -1)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Bins and how far the tables are shrunk towards naive Bayes."""
        return {"bins": Whole(2, 8), "strength": Real(1.0, 50.0, log=True)}


def spanning_tree(weights: Floats) -> tuple[list[int], npt.NDArray[np.intp]]:
    """Maximum spanning tree of a symmetric matrix of weights, grown from column 0 (Prim).

    Returns the columns in an order in which parents come first, and each column's parent, -1 for the root. Ties go to
    the column, and among its possible parents to the one, that came first.
    """
    D = len(weights)
    parents = np.full(D, -1, dtype=np.intp)
    order = [0]
    best = weights[0].astype(np.float64).copy()
    source = np.zeros(D, dtype=np.intp)
    outside = np.ones(D, dtype=bool)
    outside[0] = False
    while outside.any():
        j = int(np.where(outside, best, -np.inf).argmax())
        parents[j] = source[j]
        order.append(j)
        outside[j] = False
        closer = outside & (weights[j] > best)
        best[closer] = weights[j][closer]
        source[closer] = j
    return order, parents
