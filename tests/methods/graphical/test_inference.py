"""Class posteriors of random networks with known tables: enumeration and pgmpy as oracles, whatever is missing."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fusebench.methods.graphical import inference
from fusebench.methods.graphical.elimination import elimination_order
from fusebench.methods.graphical.inference import ClassPosterior
from fusebench.methods.graphical.network import CLASS, Network


def random_network(seed, D=7, parents=3, k=3, sharp=1.0):
    """A random DAG whose class stands anywhere in the order, with random tables."""
    rng = np.random.default_rng(seed)
    levels = (*rng.integers(1, 4, D).tolist(), k)
    order = rng.permutation(D + 1)
    above = [()] * (D + 1)
    for place, v in enumerate(order):
        take = min(place, int(rng.integers(0, parents + 1)))
        above[v] = tuple(int(p) for p in rng.choice(order[:place], take, replace=False)) if take else ()
    tables = []
    for v in range(D + 1):
        weights = rng.gamma(sharp, size=(*(levels[p] for p in above[v]), levels[v])) + 1e-9
        tables.append(weights / weights.sum(axis=-1, keepdims=True))
    return Network((*[f"m.x{j}" for j in range(D)], CLASS), levels, tuple(above), tuple(tables))


def random_rows(network, seed, n=40, missing=0.4):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, network.levels[:-1], (n, network.target)).astype(np.int16)
    table[rng.random(table.shape) < missing] = -1
    return table


@pytest.mark.parametrize("seed", range(40))
def test_posteriors_equal_enumeration(seed, enumerated):
    network = random_network(seed)
    table = random_rows(network, seed, missing=[0.0, 0.2, 0.5, 0.9][seed % 4])
    table[0] = -1
    np.testing.assert_allclose(ClassPosterior(network)(table), enumerated(network, table), atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_eliminating_pattern_by_pattern_or_all_together_gives_the_same(seed, monkeypatch, enumerated):
    network = random_network(seed, D=8)
    table = random_rows(network, seed, n=60)
    expected = enumerated(network, table)
    for cost in (0.0, 1e12):  # never together; always together
        monkeypatch.setattr(inference, "_CALL", cost)
        np.testing.assert_allclose(ClassPosterior(network)(table), expected, atol=1e-9)
    monkeypatch.setattr(inference, "_CELLS", 50)  # blocks of very few rows
    np.testing.assert_allclose(ClassPosterior(network)(table), expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_posteriors_equal_pgmpys_variable_elimination(seed):
    oracle = pytest.importorskip("pgmpy.inference")
    network = random_network(seed, D=9)
    table = random_rows(network, seed, n=12)
    model = network.to_pgmpy()
    assert model.check_model()
    engine = oracle.VariableElimination(model)
    for got, row in zip(ClassPosterior(network)(table), table, strict=True):
        evidence = {f"m.x{j}": int(v) for j, v in enumerate(row) if v >= 0}
        expected = engine.query([CLASS], evidence=evidence, show_progress=False).values
        np.testing.assert_allclose(got, expected, atol=1e-9)


def test_a_complete_row_depends_on_the_markov_blanket_alone():
    network = random_network(3, D=10, parents=2)
    table = random_rows(network, 0, missing=0.0)
    inside = list(network.blanket)
    assert 0 < len(inside) < 10
    changed = table.copy()
    for j in set(range(10)) - set(inside):
        changed[:, j] = (changed[:, j] + 1) % network.levels[j]
    posterior = ClassPosterior(network)
    np.testing.assert_array_equal(posterior(table), posterior(changed))
    for j in inside:
        if network.levels[j] > 1:
            changed = table.copy()
            changed[:, j] = (changed[:, j] + 1) % network.levels[j]
            assert not np.allclose(posterior(table), posterior(changed))


def test_a_row_alone_gets_what_it_gets_among_others():
    network = random_network(5, D=9)
    table = random_rows(network, 1, n=50)
    posterior = ClassPosterior(network)
    together = posterior(table)
    for row in range(0, 50, 7):
        np.testing.assert_allclose(posterior(table[[row]])[0], together[row], atol=1e-12)


def hub(children, levels=4, k=2):
    """Class and a hub that are parents of many children: all of them speak of the hub when it is missing."""
    rng = np.random.default_rng(0)
    tables = [np.full((k, levels), 1 / levels)]
    for _ in range(children):
        weights = rng.gamma(0.2, size=(k, levels, levels)) + 1e-4
        tables.append(weights / weights.sum(axis=-1, keepdims=True))
    D = children + 1
    parents = ((D,), *[(D, 0)] * children, ())
    return Network((*[f"x{j}" for j in range(D)], CLASS), (levels,) * D + (k,), parents, (*tables, np.full(k, 1 / k)))


@pytest.mark.parametrize("cost", [0.0, 1e12])
def test_hundreds_of_witnesses_of_one_missing_variable_do_not_underflow(cost, monkeypatch):
    monkeypatch.setattr(inference, "_CALL", cost)
    network = hub(1200)
    table = random_rows(network, 0, n=6, missing=0.0)
    table[:, 0] = -1
    logs = np.zeros((6, 2, 4))
    for j in range(1, 1201):
        logs += np.moveaxis(np.log(network.tables[j][:, :, table[:, j]]), 2, 0)
    expected = np.logaddexp.reduce(logs, axis=2)
    expected = np.exp(expected - np.logaddexp.reduce(expected, axis=1)[:, None])
    np.testing.assert_allclose(ClassPosterior(network)(table), expected, atol=1e-9)


def test_branches_that_contradict_each_other_beyond_any_number_are_weighed():
    """Two hubs, one sure of the first class and one of the second by more than a number can hold."""
    n = 500
    sure = np.array([[0.999, 0.001], [0.001, 0.999]])
    leaf = np.stack([sure] * 2, axis=1)  # p(leaf | class, hub): the hub tells nothing
    D = 2 + 2 * n
    parents = ((D,), (D,), *[(D, 0)] * n, *[(D, 1)] * n, ())
    tables = (np.full((2, 2), 0.5),) * 2 + (leaf,) * (2 * n) + (np.array([0.5, 0.5]),)
    network = Network((*[f"x{j}" for j in range(D)], CLASS), (2,) * (D + 1), parents, tables)
    row = np.concatenate([[-1, -1], np.zeros(n), np.ones(n)]).astype(np.int16)[None]
    np.testing.assert_allclose(ClassPosterior(network)(row), [[0.5, 0.5]], atol=1e-9)


def test_the_bound_on_table_sizes_holds_and_a_chain_needs_no_more_than_pairs():
    assert max(elimination_order([[0], [0, 1], [1, 2], [2, 3]], [3, 3, 3, 2], keep=3).values()) == pytest.approx(9)
    clique = elimination_order([[0, 1, 2, 3]], [2, 3, 4, 5], keep=3)
    assert list(clique) == [0, 1, 2]
    assert clique[0] == pytest.approx(120)


def test_a_network_too_dense_to_sum_out_is_told_instead_of_filling_the_memory(monkeypatch):
    monkeypatch.setattr(inference, "_MOST_CELLS", 10)
    network = hub(3)
    table = random_rows(network, 0, n=1, missing=0.0)
    table[:, 0] = -1
    with pytest.raises(MemoryError, match="fewer columns"):
        ClassPosterior(network)(table)


@pytest.mark.slow
def test_a_thousand_rows_that_each_miss_something_else_take_seconds_at_most():
    rng = np.random.default_rng(0)
    D = 60
    parents = [
        tuple(sorted(rng.choice(np.arange(max(0, j - 6), j), min(j, 2), replace=False).tolist())) for j in range(D)
    ]
    parents = [(*p, D) if j % 3 == 0 else p for j, p in enumerate(parents)]
    levels = (4,) * D + (5,)
    tables = [rng.dirichlet(np.ones(levels[j]), [levels[p] for p in above]) for j, above in enumerate([*parents, ()])]
    network = Network((*[f"x{j}" for j in range(D)], CLASS), levels, (*map(tuple, parents), ()), tuple(tables))
    table = random_rows(network, 0, n=1000, missing=0.2)
    assert len(np.unique(table < 0, axis=0)) > 990
    began = time.perf_counter()
    ClassPosterior(network)(table)
    assert time.perf_counter() - began < 20
