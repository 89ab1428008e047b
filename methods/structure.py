"""The graph that a graphical model learnt, as plain data that can be stored, counted over folds, and drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypedDict

Role = Literal["class", "feature", "latent"]
_ROLES: tuple[Role, ...] = ("class", "feature", "latent")


class StructureRecord(TypedDict):
    """A structure as JSON holds it: nodes as (name, modality, role), edges as (from, to)."""

    nodes: list[tuple[str, str, str]]
    edges: list[tuple[str, str]]
    directed: bool


@dataclass(frozen=True)
class Node:
    """A variable: its name, unique in the graph, and its modality, empty for the class and what is shared."""

    name: str
    modality: str = ""
    role: Role = "feature"

    def __post_init__(self) -> None:
        if self.role not in _ROLES:
            raise ValueError(f"node {self.name!r}: role {self.role!r} is none of {', '.join(_ROLES)}")


@dataclass(frozen=True)
class Structure:
    """Variables and the edges between them, by name; a fitted method carries it as ``structure_``.

    Raises
    ------
    ValueError: two nodes of one name, or an edge to a node that does not exist.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    directed: bool = True

    def __post_init__(self) -> None:
        names = {node.name for node in self.nodes}
        if len(names) < len(self.nodes):
            raise ValueError("two nodes of a structure have one name")
        unknown = {end for edge in self.edges for end in edge} - names
        if unknown:
            raise ValueError(f"edges of a structure name {', '.join(sorted(unknown))}, which are no nodes")

    def record(self) -> StructureRecord:
        """The structure as plain data for JSON."""
        return {
            "nodes": [(node.name, node.modality, node.role) for node in self.nodes],
            "edges": [(a, b) for a, b in self.edges],
            "directed": self.directed,
        }

    def parents(self, name: str) -> tuple[str, ...]:
        """Where the edges into a node come from, in the order of the edges."""
        return tuple(a for a, b in self.edges if b == name)

    def without(self, names: Iterable[str]) -> Structure:
        """The structure without some nodes and their edges."""
        gone = set(names)
        return Structure(
            tuple(node for node in self.nodes if node.name not in gone),
            tuple((a, b) for a, b in self.edges if a not in gone and b not in gone),
            self.directed,
        )
