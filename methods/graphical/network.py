"""A discrete Bayesian network as plain arrays: variables, parents and tables; as a structure, and as pgmpy's object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import numpy.typing as npt

from ..structure import Node, Structure
from ..vectors import Codes, Floats
from .discretise import Table

CLASS = "class"
"""What the class variable is called in structures, in pgmpy's networks and in expert knowledge."""

Parents = tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """Variables 0..D, the last of them the class; features are those of a table's columns.

    Parameters
    ----------
    names: D + 1 names; a feature is called "modality.column".
    levels: D + 1 numbers of values.
    parents: each variable's parents, by position; there is no cycle.
    tables: p(variable | parents), positive, of shape (levels of each parent, ..., levels of the variable).
    """

    names: tuple[str, ...]
    levels: tuple[int, ...]
    parents: tuple[Parents, ...]
    tables: tuple[Floats, ...]

    @property
    def target(self) -> int:
        """Position of the class."""
        return len(self.names) - 1

    @property
    def n_parameters(self) -> int:
        """Free parameters of all tables: (r - 1) q for a variable of r values with q combinations of its parents."""
        return sum(t.size // t.shape[-1] * (t.shape[-1] - 1) for t in self.tables)

    @property
    def blanket(self) -> tuple[int, ...]:
        """The class's Markov blanket: its parents, its children and their other parents, in increasing order."""
        families = [(j, *above) for j, above in enumerate(self.parents)]
        return tuple(sorted({v for f in families if self.target in f for v in f} - {self.target}))

    @property
    def topological(self) -> list[int]:
        """The variables in an order in which parents come before their children."""
        return list(TopologicalSorter(dict(enumerate(self.parents))).static_order())

    def edges(self) -> list[tuple[str, str]]:
        """The edges (parent's name, child's name), by child."""
        return [(self.names[p], self.names[j]) for j, above in enumerate(self.parents) for p in above]

    def structure(self, modalities: Sequence[str]) -> Structure:
        """The graph for the report; ``modalities`` names those of the D features."""
        return Structure(feature_nodes(self.names[:-1], modalities), tuple(self.edges()))

    def to_pgmpy(self) -> Any:
        """The network as a ``pgmpy.models.DiscreteBayesianNetwork``, whose states are the codes 0, 1, ... in order."""
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork

        network = DiscreteBayesianNetwork()
        network.add_nodes_from(self.names)
        network.add_edges_from(self.edges())
        for name, above, table in zip(self.names, self.parents, self.tables, strict=True):
            values = np.moveaxis(table, -1, 0).reshape(table.shape[-1], -1)
            evidence = [self.names[p] for p in above] or None
            network.add_cpds(
                TabularCPD(name, table.shape[-1], values, evidence, table.shape[:-1] if evidence else None)
            )
        return network


def feature_nodes(names: Sequence[str], modalities: Sequence[str]) -> tuple[Node, ...]:
    """The class's node and those of the features, for a ``Structure``."""
    return (Node(CLASS, role="class"), *(Node(n, m) for n, m in zip(names, modalities, strict=True)))


def family_counts(table: Table, levels: Sequence[int], parents: Parents, child: int) -> npt.NDArray[np.int64]:
    """How often each value of the child meets each combination of the parents' values, shaped as the child's table.

    Rows in which a member of the family is missing are not counted. Counts of separate rows add up.
    """
    family = [*parents, child]
    shape = tuple(levels[v] for v in family)
    columns = table[:, family]
    seen = (columns >= 0).all(axis=1)
    cells: Codes = np.ravel_multi_index(tuple(columns[seen].T.astype(np.intp)), shape)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)


def smoothed(counts: npt.NDArray[np.int64], alpha: float) -> Floats:
    """p(child | parents) with a Dirichlet prior of ``alpha`` a value, from counts whose last axis is the child's."""
    return (counts + alpha) / (counts.sum(axis=-1, keepdims=True) + alpha * counts.shape[-1])
