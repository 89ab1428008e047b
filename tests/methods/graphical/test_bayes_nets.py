"""Naive Bayes and TAN: pgmpy as the oracle, enumeration for what is missing, and the papers' promises."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Modality, Samples
from fusebench.methods.graphical.naive_bayes import NaiveBayes
from fusebench.methods.graphical.tan import TAN, spanning_tree

METHODS = [NaiveBayes, TAN]


def categorical(arrays, levels, present=None):
    """Samples of modality name to integer columns, -1 for a missing cell."""
    modalities = []
    for name, columns in arrays.items():
        features = tuple(f"f{j}" for j in range(columns.shape[1]))
        cells = np.where(columns < 0, np.nan, columns.astype(float))
        categories = {f: tuple("abcdefgh"[:levels]) for f in features}
        here = None if present is None else present.get(name)
        modalities.append(Modality(name, "table", cells, here, features, categories))
    return Samples(modalities)


def chain(seed=0, n=1500, k=2):
    """X0 -> X1 -> X3 and X0 -> X2 given the class, three levels each; two modalities of two columns."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)

    def child(parent, shift, keep):
        return np.where(rng.random(n) < keep, (parent + shift * y) % 3, rng.integers(0, 3, n))

    x0 = rng.integers(0, 3, n)
    x1, x2 = child(x0, 1, 0.7), child(x0, 2, 0.6)
    x3 = child(x1, 1, 0.65)
    return {"a": np.column_stack([x0, x1]), "b": np.column_stack([x2, x3])}, y


def joint_by_enumeration(method, row):
    """Unnormalised p(c, observed) from the network's own tables, summing over every value of what is missing."""
    tables = list(method._tables())
    names = [name for name, *_ in tables]
    sizes = [levels for _, levels, *_ in tables]
    total = np.zeros(len(method.classes_))
    for values in np.ndindex(*sizes):
        if any(seen >= 0 and seen != value for seen, value in zip(row, values, strict=True)):
            continue
        product = method.prior_.copy()
        for value, (_, _, parent, table) in zip(values, tables, strict=True):
            if parent is None:
                product = product * table[value]
            else:
                product = product * table[value].reshape(-1, parent[1])[:, values[names.index(parent[0])]]
        total += product
    return total / total.sum()


@pytest.mark.parametrize("cls", METHODS)
def test_posteriors_with_missing_cells_and_absent_modalities_equal_enumeration(cls):
    arrays, y = chain(k=3)
    method = cls().fit(categorical(arrays, 3), y)
    rng = np.random.default_rng(1)
    new = {name: columns[:40].copy() for name, columns in arrays.items()}
    for columns in new.values():
        columns[rng.random(columns.shape) < 0.4] = -1
    absent = rng.random(40) < 0.3
    proba = method.predict_proba(categorical(new, 3, {"b": ~absent}))
    new["b"][absent] = -1
    rows = np.hstack([new["a"], new["b"]])
    assert (rows < 0).all(axis=1).any()
    assert (rows >= 0).all(axis=1).any()
    expected = np.array([joint_by_enumeration(method, row) for row in rows])
    np.testing.assert_allclose(proba, expected, atol=1e-10)


@pytest.mark.parametrize("cls", METHODS)
def test_posteriors_equal_pgmpys_inference(cls):
    inference = pytest.importorskip("pgmpy.inference")
    arrays, y = chain(k=3, n=400)
    method = cls().fit(categorical(arrays, 3), y)
    network = method.to_pgmpy()
    assert network.check_model()
    oracle = inference.VariableElimination(network)
    rows = np.hstack([arrays["a"], arrays["b"]])[:8].copy()
    rows[2:5, 0] = -1
    rows[4, 1:3] = -1
    rows[5] = -1
    new = categorical({"a": rows[:, :2], "b": rows[:, 2:]}, 3)
    names = ["a.f0", "a.f1", "b.f0", "b.f1"]
    for got, row in zip(method.predict_proba(new), rows, strict=True):
        evidence = {name: int(value) for name, value in zip(names, row, strict=True) if value >= 0}
        expected = oracle.query(["class"], evidence=evidence, show_progress=False).values
        np.testing.assert_allclose(got, expected, atol=1e-8)


# pgmpy 1.1 announces another name for the estimator, which 1.0 does not have.
@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
def test_naive_bayes_tables_equal_pgmpys_estimates():
    pd = pytest.importorskip("pandas")
    estimators = pytest.importorskip("pgmpy.estimators")
    models = pytest.importorskip("pgmpy.models")
    arrays, y = chain(n=300)
    method = NaiveBayes(alpha=1.0).fit(categorical(arrays, 3), y)
    frame = pd.DataFrame({"class": y, "a.f0": arrays["a"][:, 0], "b.f1": arrays["b"][:, 1]})
    network = models.DiscreteBayesianNetwork([("class", "a.f0"), ("class", "b.f1")])
    estimator = estimators.BayesianEstimator(network, frame)
    for name in ("a.f0", "b.f1"):
        oracle = estimator.estimate_cpd(name, prior_type="dirichlet", pseudo_counts=np.ones((3, 2)))
        got = {n: values for n, _, _, values in method._tables()}[name]
        np.testing.assert_allclose(got, oracle.get_values(), atol=1e-12)


def test_tan_recovers_a_planted_tree_as_pgmpy_does():
    pd = pytest.importorskip("pandas")
    estimators = pytest.importorskip("pgmpy.estimators")
    arrays, y = chain(seed=4, n=2000)
    method = TAN().fit(categorical(arrays, 3), y)
    edges = {frozenset((j, int(p))) for j, p in enumerate(method.parents_) if p >= 0}
    assert edges == {frozenset(e) for e in [(0, 1), (0, 2), (1, 3)]}
    assert method.parents_[0] == -1
    frame = pd.DataFrame(np.column_stack([arrays["a"], arrays["b"], y]), columns=["0", "1", "2", "3", "class"])
    search = estimators.TreeSearch(frame, root_node="0", n_jobs=1)
    tree = search.estimate(estimator_type="tan", class_node="class", show_progress=False)
    assert {frozenset(map(int, e)) for e in tree.edges() if "class" not in e} == edges


def test_spanning_tree_by_hand_and_against_scipy():
    weights = np.array([[0, 3, 1, 0], [3, 0, 2, 5], [1, 2, 0, 1], [0, 5, 1, 0]], dtype=float)
    order, parents = spanning_tree(weights)
    assert order == [0, 1, 3, 2]
    assert parents.tolist() == [-1, 0, 1, 1]
    from scipy.sparse.csgraph import minimum_spanning_tree

    rng = np.random.default_rng(0)
    W = rng.random((30, 30))
    W = W + W.T
    order, parents = spanning_tree(W)
    assert (parents >= 0).sum() == 29
    assert sorted(order) == list(range(30))
    assert all(order.index(p) < order.index(j) for j, p in enumerate(parents) if p >= 0)
    oracle = -minimum_spanning_tree(np.triu(-W - 1, 1)).sum() - 29
    assert sum(W[j, p] for j, p in enumerate(parents) if p >= 0) == pytest.approx(oracle)


def log_likelihood(method, arrays, y):
    """Training log p(c, x) under the network's tables."""
    rows = np.hstack([arrays["a"], arrays["b"]])
    tables = list(method._tables())
    names = [name for name, *_ in tables]
    total = np.log(method.prior_[y]).sum()
    for j, (_, _, parent, table) in enumerate(tables):
        column = y if parent is None else y * parent[1] + rows[:, names.index(parent[0])]
        total += np.log(table[rows[:, j], column]).sum()
    return total


def test_tan_fits_the_training_rows_at_least_as_well_as_naive_bayes():
    arrays, y = chain(n=800)
    samples = categorical(arrays, 3)
    tan = TAN(alpha=1e-9, strength=1e-9).fit(samples, y)
    naive = NaiveBayes(alpha=1e-9).fit(samples, y)
    assert log_likelihood(tan, arrays, y) > log_likelihood(naive, arrays, y) + 100


def test_tan_is_naive_bayes_where_features_are_independent_given_the_class():
    """Every combination of values equally often in each class: all conditional mutual information is zero."""
    grid = np.array(list(np.ndindex(3, 3, 2)))
    skewed = np.repeat(grid, np.array([1, 2, 3])[grid[:, 0]], axis=0)  # p(x0 | c) differs, the rest is uniform
    rows, y = np.vstack([grid, skewed]), np.repeat([0, 1], [len(grid), len(skewed)])
    samples = categorical({"a": rows[:, :2], "b": rows[:, 2:]}, 3)
    tan, naive = TAN(alpha=1e-9).fit(samples, y), NaiveBayes(alpha=1e-9).fit(samples, y)
    np.testing.assert_allclose(tan.predict_proba(samples), naive.predict_proba(samples), atol=1e-7)


def test_tan_solves_an_exclusive_or_of_two_modalities_and_naive_bayes_cannot():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (800, 2))
    y = bits[:, 0] ^ bits[:, 1]
    samples = categorical({"a": bits[:, :1], "b": bits[:, 1:]}, 2)
    assert (TAN().fit(samples[:400], y[:400]).predict(samples[400:]) == y[400:]).all()
    assert abs((NaiveBayes().fit(samples[:400], y[:400]).predict(samples[400:]) == y[400:]).mean() - 0.5) < 0.1


@pytest.mark.parametrize("cls", METHODS)
def test_a_missing_column_is_the_same_as_a_column_that_was_never_there(cls):
    """For naive Bayes any column; for TAN a leaf, whose removal leaves the other tables as they are."""
    arrays, y = chain(n=1500)
    whole = cls().fit(categorical(arrays, 3), y)
    without = cls().fit(categorical({"a": arrays["a"], "b": arrays["b"][:, :1]}, 3), y)
    dropped = {"a": arrays["a"], "b": np.column_stack([arrays["b"][:, 0], np.full(1500, -1)])}
    np.testing.assert_allclose(
        whole.predict_proba(categorical(dropped, 3)),
        without.predict_proba(categorical({"a": arrays["a"], "b": arrays["b"][:, :1]}, 3)),
        atol=1e-12,
    )


@pytest.mark.parametrize("cls", METHODS)
def test_long_networks_do_not_underflow(cls):
    rng = np.random.default_rng(2)
    y = np.arange(100) % 2
    X = rng.normal(size=(100, 800)) + 0.5 * y[:, None]
    X[::3, ::2] = np.nan
    samples = Samples.from_arrays({"a": X})
    method = cls(max_columns=800).fit(samples[:80], y[:80])
    proba = method.predict_proba(samples[80:])
    assert np.isfinite(proba).all()
    assert (method.predict(samples[80:]) == y[80:]).mean() > 0.8


@pytest.mark.parametrize("cls", METHODS)
def test_the_kept_columns_are_chosen_by_training_information_and_told(cls):
    rng = np.random.default_rng(3)
    y = np.arange(200) % 2
    X = rng.normal(size=(200, 50))
    X[:, [7, 31]] += 3.0 * y[:, None]
    samples = Samples.from_arrays({"a": X[:, :20], "b": X[:, 20:]})
    method = cls(max_columns=2).fit(samples, y)
    assert method.features_ == ["a.x7", "b.x11"]
    assert method.notes_ == ["kept 2 of 50 columns by mutual information with the class"]
    assert method.modality_weights_["a"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("cls", "expected"), [(NaiveBayes, 1 + 4 * 2 * 2), (TAN, 1 + 2 * 2 + 3 * 2 * 3 * 2)])
def test_parameter_count(cls, expected):
    arrays, y = chain(n=300)
    assert cls().fit(categorical(arrays, 3), y).n_parameters_ == expected
