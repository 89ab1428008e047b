"""What graphical models learnt: their graphs counted over splits, and how far the splits agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import numpy as np

from ..evaluation import TaskEvaluation

Pair = tuple[str, str]


@dataclass(frozen=True)
class Variable:
    """A node: its modality, empty for the class and what is shared, and its role: class, feature or latent."""

    name: str
    modality: str
    role: str

    @property
    def label(self) -> str:
        """The name without its modality, which colours tell."""
        return self.name.removeprefix(f"{self.modality}.") if self.modality else self.name


@dataclass(frozen=True)
class Link:
    """An edge between two variables, whatever its direction: in how many splits, and in how many it runs each way."""

    first: str
    second: str
    count: int
    forward: int
    backward: int

    @property
    def ends(self) -> frozenset[str]:
        """Both variables."""
        return frozenset((self.first, self.second))


@dataclass(frozen=True)
class Graph:
    """The graph of one split."""

    variables: Mapping[str, Variable]
    edges: frozenset[Pair]
    directed: bool

    @cached_property
    def pairs(self) -> frozenset[Pair]:
        """The edges without direction, each pair sorted."""
        return frozenset(_sorted(edge) for edge in self.edges)

    @cached_property
    def target(self) -> str:
        """The class variable; empty where there is none."""
        return next((v.name for v in self.variables.values() if v.role == "class"), "")

    @cached_property
    def blanket(self) -> frozenset[str]:
        """The Markov blanket of the class: its neighbours and, with directions, its children's other parents."""
        near = {end for pair in self.pairs if self.target in pair for end in pair}
        if self.directed:
            children = {b for a, b in self.edges if a == self.target}
            near |= {a for a, b in self.edges if b in children}
        return frozenset(near - {self.target})

    @cached_property
    def on_class(self) -> bool:
        """Whether every variable but latent ones is linked to the class."""
        features = {v.name for v in self.variables.values() if v.role == "feature"}
        return bool(features) and features <= {end for pair in self.pairs if self.target in pair for end in pair}


@dataclass(frozen=True)
class Structures:
    """One method's graphs on one task, counted over splits.

    Parameters
    ----------
    method: its name. graphs: those of the splits that kept one; lacking: splits that succeeded without one.
    """

    method: str
    graphs: tuple[Graph, ...]
    lacking: int

    @property
    def splits(self) -> int:
        """How many graphs there are."""
        return len(self.graphs)

    @property
    def directed(self) -> bool:
        """Whether edges have a direction."""
        return all(graph.directed for graph in self.graphs)

    @property
    def target(self) -> str:
        """The class variable."""
        return self.graphs[0].target

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        """Every variable of any split."""
        found: dict[str, Variable] = {}
        for graph in self.graphs:
            found = {**graph.variables, **found}
        return found

    @cached_property
    def by_design(self) -> bool:
        """Whether every feature hangs on the class in every split: such edges are neither counted nor drawn."""
        return all(graph.on_class for graph in self.graphs)

    @cached_property
    def counted(self) -> tuple[frozenset[Pair], ...]:
        """The undirected edges of each split, without those to the class where they are there by design."""
        return tuple(
            frozenset(p for p in graph.pairs if not (self.by_design and self.target in p)) for graph in self.graphs
        )

    @property
    def star(self) -> bool:
        """Whether there is nothing but edges from the class to every feature."""
        return self.by_design and not any(self.counted)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every counted edge of any split, the most frequent first."""
        times = Counter(pair for pairs in self.counted for pair in pairs)
        ways = Counter(edge for graph in self.graphs if graph.directed for edge in graph.edges)
        found = [Link(a, b, count, ways[a, b], ways[b, a]) for (a, b), count in times.items()]
        return tuple(sorted(found, key=lambda link: (-link.count, link.first, link.second)))

    @cached_property
    def in_all(self) -> int:
        """Edges that every split found."""
        return sum(link.count == self.splits for link in self.links)

    @cached_property
    def jaccard(self) -> float:
        """Mean over pairs of splits of shared edges to all edges of the two; NaN with one split or without an edge."""
        shares = [len(a & b) / len(a | b) if a | b else 1.0 for a, b in combinations(self.counted, 2)]
        return float(np.mean(shares)) if shares and any(self.counted) else float("nan")

    @cached_property
    def between(self) -> float:
        """Share of the edges between two modalities among those between variables that have one; NaN without any."""
        within = across = 0
        for link in self.links:
            first, second = (self.variables[name].modality for name in (link.first, link.second))
            if first and second:
                within, across = within + link.count * (first == second), across + link.count * (first != second)
        return across / (within + across) if within + across else float("nan")

    @cached_property
    def blanket(self) -> Mapping[str, float]:
        """For each variable the share of splits in which it lies in the Markov blanket of the class."""
        times = Counter(name for graph in self.graphs for name in graph.blanket)
        return {name: times[name] / self.splits for name in self.variables}


def structures(task: TaskEvaluation) -> tuple[Structures, ...]:
    """The learnt graphs of every method that keeps any on a task, in catalogue order."""
    found = []
    for method in task.methods:
        rows = task.ok_of(method)
        graphs = tuple(graph for row in rows if (graph := _graph(row.structure)) is not None)
        if graphs:
            found.append(Structures(method, graphs, len(rows) - len(graphs)))
    return tuple(found)


def direction(link: Link) -> Literal["forward", "backward", ""]:
    """The direction that the most splits gave an edge; empty without directions or without a majority."""
    if link.forward == link.backward:
        return ""
    return "forward" if link.forward > link.backward else "backward"


def main_part(found: Structures, links: Iterable[Link], most: int) -> tuple[str, ...]:
    """The variables to draw: at most ``most`` that the links join, and half as many latent ones; the class left out.

    First those that lie in the Markov blanket of the class in the most splits; among equals those that the strongest
    links tie to what is already chosen, so that the part hangs together; then those with the strongest links, and
    those whose modality has the fewest so far.
    """
    ties: dict[str, dict[str, float]] = {}
    for link in links:
        share = link.count / found.splits
        ties.setdefault(link.first, {})[link.second] = share
        ties.setdefault(link.second, {})[link.first] = share
    latent = {name for name in ties if found.variables[name].role == "latent"}
    chosen: list[str] = []

    def worth(name: str) -> tuple[float, ...]:
        tied = ties[name]
        return (
            found.blanket[name],
            sum(share for other, share in tied.items() if other == found.target or other in chosen),
            sum(tied.values()),
            -sum(found.variables[other].modality == found.variables[name].modality for other in chosen),
        )

    while True:
        inner = sum(name in latent for name in chosen)
        full = latent if inner >= most // 2 else set()
        full = full | (set(ties) - latent) if len(chosen) - inner >= most else full
        waiting = sorted(set(ties) - {found.target, *chosen} - full)
        if not waiting:
            return tuple(chosen)
        chosen.append(max(waiting, key=worth))


def _graph(record: Any) -> Graph | None:
    if not isinstance(record, Mapping):
        return None
    variables = {str(name): Variable(str(name), str(mod), str(role)) for name, mod, role in record["nodes"]}
    return Graph(variables, frozenset((str(a), str(b)) for a, b in record["edges"]), bool(record["directed"]))


def _sorted(edge: Pair) -> Pair:
    return edge if edge[0] <= edge[1] else (edge[1], edge[0])
