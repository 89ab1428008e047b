"""Trees of dependences between columns: the heaviest one, free or within what experts allow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..vectors import Codes, Floats

Flags = npt.NDArray[np.bool_]


def spanning_tree(weights: Floats) -> Codes:
    """Maximum spanning tree of a symmetric matrix of weights, grown from column 0 (Prim).

    Returns each column's parent, -1 for the root. Ties go to the column, and among its possible parents to the one,
    that came first.
    """
    D = len(weights)
    parents = np.full(D, -1, dtype=np.intp)
    best = weights[0].astype(np.float64).copy()
    source = np.zeros(D, dtype=np.intp)
    outside = np.ones(D, dtype=bool)
    outside[0] = False
    while outside.any():
        j = int(np.where(outside, best, -np.inf).argmax())
        parents[j] = source[j]
        outside[j] = False
        closer = outside & (weights[j] > best)
        best[closer] = weights[j][closer]
        source[closer] = j
    return parents


def constrained_tree(weights: Floats, allowed: Flags, required: Flags) -> Codes:
    """The heaviest directed tree, or forest where no tree is allowed, with all required edges: parents, -1 a root.

    As many edges as are allowed come before weight. ``allowed`` and ``required`` are (parent, child); the required
    edges must be allowed, give no column two parents and make no cycle.
    """
    D = len(weights)
    more = 1.0 + D * weights.max(initial=0.0)  # an edge more outweighs all weights, a required edge all edges
    bound = required.any(axis=0)
    arcs = np.full((D + 1, D + 1), -np.inf)
    arcs[:D, :D] = np.where(allowed & ~bound, weights + more, -np.inf)
    arcs[:D, :D][required] = (D + 1) * more
    arcs[D, :D] = 0.0  # from a root above all, so that a tree exists
    parents = _branching(arcs)[:D]
    return np.where(parents == D, -1, parents)


def _branching(arcs: Floats) -> Codes:
    """Parents in the heaviest tree of arcs (from, to) below the last node, which no arc enters; -inf is no arc.

    Chu-Liu and Edmonds' algorithm, all cycles contracted at once; networkx has it too, but takes seconds for 100 nodes.
    """
    n = len(arcs)
    parents = arcs.argmax(axis=0)
    parents[n - 1] = n - 1
    cyclic = _on_cycles(parents)
    if not cyclic.any():
        return parents
    # Entering a cycle at a node takes the node's arc within the cycle away.
    reduced = arcs - np.where(cyclic, arcs[parents, np.arange(n)], 0.0)
    first = _representatives(parents, cyclic)
    _, groups = np.unique(first, return_inverse=True)  # the root keeps the last number: it stands for itself alone
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    blocks = np.maximum.reduceat(np.maximum.reduceat(reduced[np.ix_(order, order)], starts, axis=0), starts, axis=1)
    np.fill_diagonal(blocks, -np.inf)
    for end, source in enumerate(_branching(blocks)[:-1]):
        inside, outside = np.flatnonzero(groups == end), np.flatnonzero(groups == source)
        block = reduced[np.ix_(outside, inside)]
        a, b = np.unravel_index(block.argmax(), block.shape)
        parents[inside[b]] = outside[a]
    return parents


def _on_cycles(parents: Codes) -> Flags:
    """Which nodes lie on a cycle, when each points at its parent and the last at itself: those that are still there
    after as many steps as there are nodes."""
    at = np.arange(len(parents))
    step = parents
    for _ in range(len(parents).bit_length()):  # steps of 1, 2, 4, ...: more than all nodes in the end
        at, step = step[at], step[step]
    cyclic = np.zeros(len(parents), dtype=bool)
    cyclic[at] = True
    cyclic[-1] = False
    return cyclic


def _representatives(parents: Codes, cyclic: Flags) -> Codes:
    """The lowest node of each node's cycle; the node itself where it lies on none."""
    lowest = np.arange(len(parents))
    at = lowest
    for _ in range(int(cyclic.sum())):
        at = np.where(cyclic, parents[at], at)
        lowest = np.minimum(lowest, at)
    return lowest
