"""Naive Bayes and TAN: pgmpy as the oracle, and the papers' promises."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.graphical.naive_bayes import NaiveBayes
from fusebench.methods.graphical.tables import class_counts, conditional
from fusebench.methods.graphical.tan import TAN

METHODS = [NaiveBayes, TAN]


@pytest.mark.parametrize("cls", METHODS)
def test_posteriors_equal_pgmpys_inference(cls, categorical, chain):
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
def test_naive_bayes_tables_equal_pgmpys_estimates(categorical, chain):
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
        got = method.network_.tables[method.features_.index(name)]
        np.testing.assert_allclose(got.T, oracle.get_values(), atol=1e-12)


def test_tan_recovers_a_planted_tree_as_pgmpy_does(categorical, chain):
    pd = pytest.importorskip("pandas")
    estimators = pytest.importorskip("pgmpy.estimators")
    arrays, y = chain(seed=4, n=5000)
    method = TAN().fit(categorical(arrays, 3), y)
    edges = {frozenset((j, int(p))) for j, p in enumerate(method.parents_) if p >= 0}
    assert edges == {frozenset(e) for e in [(0, 1), (0, 2), (1, 3)]}
    assert method.parents_[0] == -1
    frame = pd.DataFrame(np.column_stack([arrays["a"], arrays["b"], y]), columns=["0", "1", "2", "3", "class"])
    search = estimators.TreeSearch(frame, root_node="0", n_jobs=1)
    tree = search.estimate(estimator_type="tan", class_node="class", show_progress=False)
    assert {frozenset(map(int, e)) for e in tree.edges() if "class" not in e} == edges


def log_likelihood(method, arrays, y):
    """Training log p(c, x) under the network's tables."""
    full = np.column_stack([arrays["a"], arrays["b"], y])
    network = method.network_
    return sum(
        np.log(table[tuple(full[:, v] for v in (*above, j))]).sum()
        for j, (above, table) in enumerate(zip(network.parents, network.tables, strict=True))
    )


def test_tan_fits_the_training_rows_at_least_as_well_as_naive_bayes(categorical, chain):
    arrays, y = chain(n=800)
    samples = categorical(arrays, 3)
    tan = TAN(alpha=1e-9, strength=1e-9).fit(samples, y)
    naive = NaiveBayes(alpha=1e-9).fit(samples, y)
    assert log_likelihood(tan, arrays, y) > log_likelihood(naive, arrays, y) + 100


def test_tan_is_naive_bayes_where_features_are_independent_given_the_class(categorical):
    """Every combination of values equally often in each class: all conditional mutual information is zero."""
    grid = np.array(list(np.ndindex(3, 3, 2)))
    skewed = np.repeat(grid, np.array([1, 2, 3])[grid[:, 0]], axis=0)  # p(x0 | c) differs, the rest is uniform
    rows, y = np.vstack([grid, skewed]), np.repeat([0, 1], [len(grid), len(skewed)])
    samples = categorical({"a": rows[:, :2], "b": rows[:, 2:]}, 3)
    tan, naive = TAN(alpha=1e-9).fit(samples, y), NaiveBayes(alpha=1e-9).fit(samples, y)
    np.testing.assert_allclose(tan.predict_proba(samples), naive.predict_proba(samples), atol=1e-7)


def test_tan_solves_an_exclusive_or_of_two_modalities_and_naive_bayes_cannot(categorical):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (800, 2))
    y = bits[:, 0] ^ bits[:, 1]
    samples = categorical({"a": bits[:, :1], "b": bits[:, 1:]}, 2)
    assert (TAN().fit(samples[:400], y[:400]).predict(samples[400:]) == y[400:]).all()
    assert abs((NaiveBayes().fit(samples[:400], y[:400]).predict(samples[400:]) == y[400:]).mean() - 0.5) < 0.1


@pytest.mark.parametrize("cls", METHODS)
def test_a_missing_column_is_the_same_as_a_column_that_was_never_there(cls, categorical, chain):
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


def test_tables_from_counts_that_sites_send_are_those_of_the_pooled_rows(categorical, chain):
    """Naive Bayes needs counts only: what three sites count adds up to the fit on all rows, bit for bit."""
    arrays, y = chain(n=600)
    rows = np.hstack([arrays["a"], arrays["b"]]).astype(np.int16)
    rows[np.random.default_rng(0).random(rows.shape) < 0.1] = -1
    pooled = NaiveBayes().fit(categorical({"a": rows[:, :2], "b": rows[:, 2:]}, 3), y)
    sites = np.arange(600) % 7 % 3
    levels = np.full(4, 3)
    counts = sum(class_counts(rows[sites == s], y[sites == s], levels, 2) for s in range(3))
    for table, fitted in zip(conditional(counts, levels, 1.0), pooled.network_.tables, strict=False):
        np.testing.assert_array_equal(table.T, fitted)


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
def test_parameter_count(cls, expected, categorical, chain):
    arrays, y = chain(n=300)
    assert cls().fit(categorical(arrays, 3), y).n_parameters_ == expected
