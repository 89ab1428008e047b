"""Latent-class networks: EM never falls, exact marginals, relabelling, planted states, pgmpy as the oracle."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fusebench.datasets import Samples, load_task
from fusebench.methods.graphical.latent_class import LatentClass
from fusebench.methods.graphical.mixture import Mixture, PenalisedEM, one_hot


def subtypes(n=1200, seed=0):
    """Two classes of two subtypes: each shifts two columns up or down together, so that class means are equal."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    side = np.where(rng.random(n) < 0.5, 1, -1)
    a = 1.5 * np.column_stack([side, np.where(y == 1, side, -side)]) + 0.7 * rng.normal(size=(n, 2))
    return {"a": a, "b": rng.normal(size=(n, 3)) + 0.3 * y[:, None]}, y


def problem(seed=1, n=300, alpha=0.5):
    rng = np.random.default_rng(seed)
    levels = np.array([3, 2, 4])
    table = np.column_stack([rng.integers(0, r, n) for r in levels]).astype(np.int16)
    table[:, 1] = (table[:, 0] > 0) ^ (rng.random(n) < 0.2)
    table[rng.random(table.shape) < 0.1] = -1
    table[0] = -1
    return table, levels, PenalisedEM(one_hot(table, levels), levels, rng.integers(0, 2, n), 2, alpha)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("states", [1, 2, 5])
def test_the_penalised_likelihood_never_falls(alpha, states):
    _, _, em = problem(alpha=alpha)
    mixture = em.start(states, np.random.default_rng(0))
    values = []
    for _ in range(60):
        mixture, objective = em.step(mixture)
        values.append(objective)
    assert (np.diff(values) > -1e-8).all()
    assert states == 1 or values[-1] > values[0] + 1.0
    np.testing.assert_allclose(mixture.states.sum(axis=1), 1.0)


def test_the_objective_is_the_likelihood_by_enumeration_plus_the_prior():
    table, levels, em = problem()
    mixture = em.start(2, np.random.default_rng(0))
    tables = np.split(mixture.values, np.cumsum(levels)[:-1])
    total = 0.5 * (np.log(mixture.states).sum() + np.log(mixture.values).sum())
    for row, c in zip(table, em.codes, strict=True):
        total += np.log(
            sum(
                mixture.states[c, z] * np.prod([t[v, z] for t, v in zip(tables, row, strict=True) if v >= 0])
                for z in range(2)
            )
        )
    assert em.step(mixture)[1] == pytest.approx(total)


def test_pseudo_counts_of_the_states_are_at_most_half_of_a_class_s_rows():
    _, _, em = problem(n=60, alpha=2.0)
    mixture = em.start(30, np.random.default_rng(0))
    penalty = 0.5 * np.log(mixture.states).sum() + 2.0 * np.log(mixture.values).sum()  # 0.5 * 30 of 30 rows a class
    assert em.penalty(mixture) == pytest.approx(penalty)
    following, _ = em.step(mixture)
    assert following.states.min() >= 0.5 / (em.member.sum(axis=0).max() + 15.0)


def test_a_run_keeps_the_best_start_and_its_history_only_rises():
    _, _, em = problem(n=150)
    trace = em.run(4, restarts=5, max_iter=200, tolerance=1e-6, seed=3)
    assert (np.diff(trace.objective) > -1e-8).all()
    assert trace.converged
    singles = [em.run(4, restarts=r, max_iter=10, tolerance=0.0, seed=3).objective[-1] for r in (1, 5)]
    assert singles[1] >= singles[0]


def test_predicting_without_a_modality_equals_the_model_with_its_branch_deleted():
    arrays, y = subtypes()
    whole = LatentClass().fit(Samples.from_arrays(arrays), y)
    part = LatentClass().fit(Samples.from_arrays({"a": arrays["a"]}), y)
    gone = Samples.from_arrays({"a": arrays["a"], "b": np.full_like(arrays["b"], np.nan)})
    expected = part.predict_proba(Samples.from_arrays({"a": arrays["a"]}))
    np.testing.assert_allclose(whole.predict_proba(gone), expected, atol=1e-12)


def test_one_state_makes_the_features_uninformative():
    arrays, y = subtypes()
    samples = Samples.from_arrays(arrays)
    model = LatentClass(states=1).fit(samples, y)
    np.testing.assert_allclose(model.predict_proba(samples), np.tile(model.prior_, (len(y), 1)), atol=1e-12)


def test_the_names_of_the_states_do_not_matter():
    arrays, y = subtypes()
    samples = Samples.from_arrays(arrays)
    model = LatentClass(states=4).fit(samples, y)
    before = model.predict_proba(samples)
    order = [2, 0, 3, 1]
    for name, trace in model.branches_.items():
        turned = Mixture(trace.mixture.states[:, order], trace.mixture.values[:, order])
        model.branches_[name] = type(trace)(turned, trace.objective, trace.converged)
    np.testing.assert_allclose(model.predict_proba(samples), before, atol=1e-12)


def test_planted_subtypes_are_found_where_naive_bayes_is_at_chance():
    from fusebench.methods.graphical.naive_bayes import NaiveBayes

    arrays, y = subtypes()
    samples = Samples.from_arrays({"a": arrays["a"]})
    found = LatentClass().fit(samples[:800], y[:800])
    assert (found.predict(samples[800:]) == y[800:]).mean() > 0.8
    naive = NaiveBayes().fit(samples[:800], y[:800])
    assert abs((naive.predict(samples[800:]) == y[800:]).mean() - 0.5) < 0.1
    assert LatentClass().fit(Samples.from_arrays(arrays), y).modality_weights_["a"] > 0.8


def test_a_shared_state_holds_interactions_between_modalities():
    task = load_task("xor", n=1000)
    train, test = np.arange(700), np.arange(700, 1000)
    hits = {}
    for shared in (False, True):
        model = LatentClass(shared=shared).fit(task.samples[train], task.y[train])
        hits[shared] = (model.predict(task.samples[test]) == task.y[test]).mean()
    assert hits[True] > 0.85
    assert abs(hits[False] - 0.5) < 4 * np.sqrt(0.25 / 300)


@pytest.mark.parametrize("shared", [False, True])
def test_posteriors_with_holes_equal_enumeration_of_the_exported_network(shared):
    inference = pytest.importorskip("pgmpy.inference")
    arrays, y = subtypes(300)
    model = LatentClass(shared=shared, bins=3).fit(Samples.from_arrays(arrays), y)
    new = {name: values[:6].copy() for name, values in arrays.items()}
    new["a"][1:4, 0] = np.nan
    new["b"][3:5] = np.nan
    samples = Samples.from_arrays(new)
    proba = model.predict_proba(samples)
    network = model.to_pgmpy()
    assert network.check_model()
    oracle = inference.VariableElimination(network)
    names = [model.discretiser_.features_[j] for j in model.columns_]
    for row, ours in zip(model._table(samples), proba, strict=True):
        seen = {name: int(code) for name, code in zip(names, row, strict=True) if code >= 0}
        theirs = oracle.query(["class"], evidence=seen, show_progress=False).values
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_the_graph_has_a_latent_node_a_modality():
    arrays, y = subtypes(200)
    graph = LatentClass().fit(Samples.from_arrays(arrays), y).structure_
    assert [node.name for node in graph.nodes if node.role == "latent"] == ["state of a", "state of b"]
    assert graph.parents("a.x1") == ("state of a",)
    assert graph.parents("state of b") == ("class",)
    shared = LatentClass(shared=True).fit(Samples.from_arrays(arrays), y).structure_
    assert shared.parents("b.x0") == ("state",)


def test_the_order_of_modalities_does_not_matter_and_the_seed_does_its_work():
    arrays, y = subtypes(300)
    ab, ba = Samples.from_arrays(arrays), Samples.from_arrays({"b": arrays["b"], "a": arrays["a"]})
    one = LatentClass().fit(ab, y).predict_proba(ab)
    np.testing.assert_allclose(LatentClass().fit(ba, y).predict_proba(ba), one, atol=1e-9)
    starts = [PenalisedEM.start(problem()[2], 4, np.random.default_rng([seed, 0])).values for seed in (0, 1)]
    assert np.abs(starts[0] - starts[1]).max() > 0.01


def test_degenerate_input_gives_finite_posteriors():
    rng = np.random.default_rng(2)
    y = np.arange(120) % 40
    samples = Samples.from_arrays({"wide": rng.normal(size=(120, 5800)), "flat": np.ones((120, 2))})
    model = LatentClass(max_columns=500).fit(samples, y)
    assert np.isfinite(model.predict_proba(samples)).all()
    assert model.notes_[0] == "kept 500 of 5802 columns by mutual information with the class"
    assert np.isfinite(LatentClass(alpha=0.0).fit(samples[:50], y[:50]).predict_proba(samples)).all()


def test_fewer_states_than_classes_and_every_class_has_a_state_of_its_own():
    _, _, em = problem()
    for K, k in itertools.product((1, 2, 3, 7), (2, 3, 5)):
        other = PenalisedEM(em.hot, em.levels, np.arange(300) % k, k, 1.0)
        start = other.start(K, np.random.default_rng(0))
        assert start.states.shape == (k, K)
        assert (start.states > 0).all()
        assert (start.states.max(axis=1) >= 1 / K - 1e-12).all()
