"""Trees of columns: by hand, and scipy's and networkx's as oracles."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree

from fusebench.methods.graphical.tree import constrained_tree, spanning_tree

nx = pytest.importorskip("networkx")


def random_weights(seed, D):
    W = np.random.default_rng(seed).random((D, D))
    W = W + W.T
    np.fill_diagonal(W, 0.0)
    return W


def weight(W, parents):
    return sum(W[p, j] for j, p in enumerate(parents) if p >= 0)


def is_forest(parents):
    graph = nx.DiGraph([(p, j) for j, p in enumerate(parents.tolist()) if p >= 0])
    return nx.is_directed_acyclic_graph(graph)


def test_the_spanning_tree_by_hand_and_against_scipy():
    W = np.array([[0, 3, 1, 0], [3, 0, 2, 5], [1, 2, 0, 1], [0, 5, 1, 0]], dtype=float)
    assert spanning_tree(W).tolist() == [-1, 0, 1, 1]
    W = random_weights(0, 30)
    parents = spanning_tree(W)
    assert (parents >= 0).sum() == 29
    assert is_forest(parents)
    oracle = -minimum_spanning_tree(np.triu(-W - 1, 1)).sum() - 29
    assert weight(W, parents) == pytest.approx(oracle)


def test_without_constraints_the_directed_tree_weighs_as_much_as_the_undirected():
    for seed in range(10):
        W = random_weights(seed, 12)
        free, none = ~np.eye(12, dtype=bool), np.zeros((12, 12), dtype=bool)
        assert weight(W, constrained_tree(W, free, none)) == pytest.approx(weight(W, spanning_tree(W)))


def test_a_lighter_tree_is_taken_where_the_heaviest_is_not_allowed():
    W = np.array([[0, 3, 1], [3, 0, 2], [1, 2, 0]], dtype=float)
    allowed, none = ~np.eye(3, dtype=bool), np.zeros((3, 3), dtype=bool)
    allowed[0, 1] = allowed[1, 0] = False
    parents = constrained_tree(W, allowed, none)
    assert {frozenset((j, p)) for j, p in enumerate(parents.tolist()) if p >= 0} == {
        frozenset((0, 2)),
        frozenset((1, 2)),
    }
    allowed[:, 1] = allowed[1, :] = False
    assert constrained_tree(W, allowed, none)[1] == -1  # a forest, where no tree is allowed


@pytest.mark.parametrize("seed", range(60))
def test_the_constrained_tree_is_as_heavy_as_networkx_and_holds_what_is_required(seed):
    rng = np.random.default_rng(seed)
    D = int(rng.integers(2, 12))
    W = random_weights(seed, D).round(1 if seed % 2 else 6)  # with many ties, and with none
    allowed = rng.random((D, D)) < rng.choice([0.1, 0.3, 0.7, 1.0])
    np.fill_diagonal(allowed, False)
    required = np.zeros((D, D), dtype=bool)
    for a, b in rng.permutation(np.argwhere(np.triu(allowed)))[:3]:
        required[a, b] = not required[:, b].any()
    parents = constrained_tree(W, allowed, required)
    assert is_forest(parents)
    assert all(allowed[p, j] for j, p in enumerate(parents) if p >= 0)
    assert all(parents[b] == a for a, b in np.argwhere(required))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(D))
    for a, b in np.argwhere(allowed):
        if required[a, b] or not required[:, b].any():
            graph.add_edge(int(a), int(b), weight=W[a, b] + 100.0 + 1e4 * required[a, b])
    oracle = list(nx.maximum_branching(graph).edges())
    assert len(oracle) == (parents >= 0).sum()
    assert sum(W[a, b] for a, b in oracle) == pytest.approx(weight(W, parents))
