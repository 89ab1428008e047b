"""Conditional Gaussian networks: discriminant analysis and brute force as oracles, planted trees, what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis

from fusebench.datasets import Modality, Samples
from fusebench.methods.graphical.conditional_gaussian import ConditionalGaussian
from fusebench.methods.graphical.gaussian_naive_bayes import GaussianNaiveBayes
from fusebench.methods.graphical.gaussian_network import PairMoments, Regressions, log_densities, shrink

PLAIN = {"strength": 0.0, "shrinkage": 0.0, "alpha": 0.0}
"""Maximum likelihood, no regularisation."""


def correlated(n=600, k=3, seed=0):
    """Two modalities of two columns whose covariance differs between classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    mixing = rng.normal(size=(k, 4, 4))
    X = np.einsum("nij,nj->ni", mixing[y], rng.normal(size=(n, 4))) + y[:, None] * [0.5, 0.0, -0.5, 1.0]
    return {"a": 3.0 + 2.0 * X[:, :2], "b": X[:, 2:]}, y


def side_by_side(arrays):
    return np.hstack(list(arrays.values()))


def chain(n=5000, seed=1):
    """A chain x0 -> x1 -> x2 -> x3 of strong links over two modalities; the class moves x0 alone."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = np.empty((n, 4))
    x[:, 0] = rng.normal(size=n) + y
    for j in range(1, 4):
        x[:, j] = 0.8 * x[:, j - 1] * (-1) ** j + 0.6 * rng.normal(size=n)
    return {"a": x[:, [0, 2]], "b": x[:, [1, 3]]}, y


def test_a_full_network_of_class_specific_parameters_is_quadratic_discriminant_analysis():
    arrays, y = correlated()
    samples, X = Samples.from_arrays(arrays), side_by_side(arrays)
    ours = ConditionalGaussian("full", **PLAIN).fit(samples, y).predict_proba(samples)
    groups = [X[y == c] for c in range(3)]
    scores = [
        np.log(len(own) / len(X)) + multivariate_normal(own.mean(axis=0), np.cov(own.T, bias=True)).logpdf(X)
        for own in groups
    ]
    expected = np.exp(np.column_stack(scores))
    np.testing.assert_allclose(ours, expected / expected.sum(axis=1, keepdims=True), atol=1e-9)
    # Releases of scikit-learn divide by n_c or by n_c - 1.
    np.testing.assert_allclose(ours, QuadraticDiscriminantAnalysis().fit(X, y).predict_proba(X), atol=0.01)


def test_a_full_network_of_shared_parameters_is_linear_discriminant_analysis():
    arrays, y = correlated()
    samples, X = Samples.from_arrays(arrays), side_by_side(arrays)
    ours = ConditionalGaussian("full", shared=True, **PLAIN).fit(samples, y).predict_proba(samples)
    np.testing.assert_allclose(ours, LinearDiscriminantAnalysis(solver="lsqr").fit(X, y).predict_proba(X), atol=1e-9)


def test_a_network_without_edges_is_gaussian_naive_bayes():
    arrays, y = correlated()
    arrays["a"][np.random.default_rng(2).random(arrays["a"].shape) < 0.2] = np.nan
    samples = Samples.from_arrays(arrays)
    ours = ConditionalGaussian("none", strength=7.0).fit(samples, y).predict_proba(samples)
    np.testing.assert_allclose(ours, GaussianNaiveBayes(strength=7.0).fit(samples, y).predict_proba(samples), atol=1e-9)


def test_full_shrinkage_is_gaussian_naive_bayes_whatever_the_shape():
    arrays, y = correlated()
    samples = Samples.from_arrays(arrays)
    expected = GaussianNaiveBayes(strength=5.0).fit(samples, y).predict_proba(samples)
    for shape in ("tree", "full"):
        ours = ConditionalGaussian(shape, strength=5.0, shrinkage=1.0).fit(samples, y).predict_proba(samples)
        np.testing.assert_allclose(ours, expected, atol=1e-9)


@pytest.mark.parametrize("shape", ["tree", "full"])
@pytest.mark.parametrize("shared", [False, True])
def test_missing_cells_are_integrated_out_as_brute_force_does(shape, shared):
    arrays, y = correlated(k=2)
    model = ConditionalGaussian(shape, shared=shared).fit(Samples.from_arrays(arrays), y)
    X = side_by_side(arrays)[:40].copy()
    X[np.random.default_rng(3).random(X.shape) < 0.4] = np.nan
    X[0], X[1] = np.nan, side_by_side(arrays)[1]
    proba = model.predict_proba(Samples.from_arrays({"a": X[:, :2], "b": X[:, 2:]}))
    expected = np.empty((40, 2))
    for i, row in enumerate(X):
        seen = ~np.isnan(row)
        for c in range(2):
            scale, own = model._scale, 0 if shared else c
            mean = model._origin + scale * model.mean_[c]
            covariance = model.covariances_[own] * np.outer(scale, scale)
            density = (
                multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)]).pdf(row[seen]) if seen.any() else 1
            )
            expected[i, c] = model.prior_[c] * density
    np.testing.assert_allclose(proba, expected / expected.sum(axis=1, keepdims=True), atol=1e-9)
    np.testing.assert_allclose(proba[0], model.prior_)


def test_a_missing_cell_equals_the_integral_over_its_values():
    arrays, y = correlated(k=2)
    model = ConditionalGaussian("tree").fit(Samples.from_arrays(arrays), y)
    row = side_by_side(arrays)[5]
    z = np.tile((row - model._origin) / model._scale, (4001, 1))
    grid = np.linspace(-20, 20, 4001)
    z[:, 1] = grid
    integral = np.trapezoid(np.exp(log_densities(z, model.mean_, model.covariances_)), grid, axis=0)
    z[0, 1] = np.nan
    np.testing.assert_allclose(np.exp(log_densities(z[:1], model.mean_, model.covariances_))[0], integral, rtol=1e-6)


def test_the_planted_tree_is_recovered_across_modalities():
    arrays, y = chain()
    model = ConditionalGaussian().fit(Samples.from_arrays(arrays), y)
    among = {frozenset(edge) for edge in model.structure_.edges if "class" not in edge}
    # x0 and x2 are a.x0 and a.x1; x1 and x3 are b.x0 and b.x1.
    assert among == {frozenset(pair) for pair in (("a.x0", "b.x0"), ("b.x0", "a.x1"), ("a.x1", "b.x1"))}
    assert len(model.structure_.edges) == 4 + 3


def test_moments_of_present_cells_find_the_covariance_under_holes():
    arrays, y = chain(20000)
    X = (side_by_side(arrays) - side_by_side(arrays).mean(axis=0)) / side_by_side(arrays).std(axis=0)
    full = PairMoments.of(X, y, 2).covariances(0.0, True, 0.0)
    X[np.random.default_rng(4).random(X.shape) < 0.3] = np.nan
    np.testing.assert_allclose(PairMoments.of(X, y, 2).covariances(0.0, True, 0.0), full, atol=0.03)


def test_regressions_of_a_full_network_give_the_covariance_back():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(2, 50, 4)) @ rng.normal(size=(4, 4))
    S = np.einsum("kni,knj->kij", X, X) / 50
    by_factor, by_squares = Regressions.full(S), Regressions.of(S, [[], [0], [0, 1], [0, 1, 2]])
    for found in (by_factor, by_squares):
        np.testing.assert_allclose(found.covariances(), S, atol=1e-9)
    np.testing.assert_allclose(by_factor.coefficients, by_squares.coefficients, atol=1e-9)


def test_the_shrinkage_is_the_oracle_approximation_of_scikit_learn_on_correlations():
    from sklearn.covariance import oas

    rng = np.random.default_rng(6)
    X = rng.normal(size=(30, 6)) @ rng.normal(size=(6, 6))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    R = X.T @ X / 30
    _, intensity = oas(X, assume_centered=True)
    ours = 1.0 - shrink(R, 30.0, None)[0, 1] / R[0, 1]
    # scikit-learn leaves the two terms 2/D out, as its documentation says.
    assert ours == pytest.approx(intensity, abs=0.05)
    square = (R**2).sum()
    assert ours == pytest.approx(((1 - 2 / 6) * square + 36) / ((31 - 2 / 6) * (square - 6)))


def test_a_class_covariance_solves_what_means_cannot():
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 600)
    z = rng.normal(size=(600, 2))
    X = np.column_stack([z[:, 0], np.where(y == 1, 1, -1) * 0.9 * z[:, 0] + 0.4 * z[:, 1]])
    samples = Samples.from_arrays({"a": X[:, :1], "b": X[:, 1:]})
    tree = ConditionalGaussian().fit(samples[:300], y[:300])
    naive = ConditionalGaussian("none").fit(samples[:300], y[:300])
    assert (tree.predict(samples[300:]) == y[300:]).mean() > 0.8  # the best rule has 1 - arctan(0.4 / 0.9) / pi = 0.87
    assert abs((naive.predict(samples[300:]) == y[300:]).mean() - 0.5) < 0.1


@pytest.mark.parametrize("shape", ["tree", "full", "none"])
def test_degenerate_input_gives_finite_posteriors(shape):
    rng = np.random.default_rng(8)
    y = np.arange(120) % 40
    wide = rng.normal(size=(120, 5800))
    wide[:, :40] += 4 * np.eye(40)[y]
    samples = Samples.from_arrays({"wide": wide, "copy": wide[:, :50], "flat": np.ones((120, 2))})
    model = ConditionalGaussian(shape, max_columns=100).fit(samples, y)
    proba = model.predict_proba(samples)
    assert np.isfinite(proba).all()
    assert (proba.argmax(axis=1) == y).mean() > 0.5
    assert model.notes_ == ["kept 100 of 5850 numeric columns by total variance over variance within classes"]
    lone = np.r_[np.flatnonzero(y == 0), 1]  # three rows of class 0, one of class 1
    assert np.isfinite(model.fit(samples[lone], y[lone]).predict_proba(samples)).all()


def test_exact_copies_without_regularisation_stay_finite():
    arrays, y = correlated()
    arrays["copy"] = arrays["a"]
    samples = Samples.from_arrays(arrays)
    for shape in ("tree", "full"):
        assert np.isfinite(ConditionalGaussian(shape, **PLAIN).fit(samples, y).predict_proba(samples)).all()


def test_categorical_columns_hang_on_the_class():
    rng = np.random.default_rng(9)
    y = rng.integers(0, 2, 300)
    cells = np.column_stack([np.where(rng.random(300) < 0.8, y, 1 - y), rng.normal(size=300), rng.normal(size=300)])
    table = Modality("t", "table", cells, features=("sex", "p", "q"), categories={"sex": ("f", "m")})
    model = ConditionalGaussian().fit(Samples([table]), y)
    assert model.structure_.parents("t.sex") == ("class",)
    assert (model.predict(Samples([table])) == cells[:, 0]).mean() > 0.9
    only = Modality("t", "table", cells[:, :1], features=("sex",), categories={"sex": ("f", "m")})
    assert (ConditionalGaussian().fit(Samples([only]), y).predict(Samples([only])) == cells[:, 0]).all()


@pytest.mark.parametrize("shape", ["tree", "full"])
def test_the_export_has_the_same_moments_in_the_columns_own_units(shape):
    pytest.importorskip("pgmpy")
    import networkx as nx

    arrays, y = correlated(k=2)
    model = ConditionalGaussian(shape, **PLAIN).fit(Samples.from_arrays(arrays), y)
    X = side_by_side(arrays)
    for c, network in enumerate(model.to_pgmpy()):
        assert network.check_model()
        mean, covariance = network.to_joint_gaussian()
        order = [model.features_.index(name) for name in nx.topological_sort(network)]
        np.testing.assert_allclose(mean, X[y == c].mean(axis=0)[order], atol=1e-6)
        scale = model._scale[order]
        expected = model.covariances_[c][np.ix_(order, order)] * np.outer(scale, scale)
        np.testing.assert_allclose(covariance, expected, atol=1e-6)
        if shape == "full":
            np.testing.assert_allclose(covariance, np.cov(X[y == c][:, order].T, bias=True), atol=1e-6)


def among_features(model):
    return {edge for edge in model.structure_.edges if edge[0] != "class"}


def test_expert_knowledge_of_the_tree_is_honoured():
    arrays, y = chain(1000)
    samples = Samples.from_arrays(arrays)
    # The free tree is a.x0 - b.x0 - a.x1 - b.x1.
    assert all(a.startswith("a") for a, _ in among_features(ConditionalGaussian(tiers=[["a"], ["b"]]).fit(samples, y)))
    forced = ConditionalGaussian(required=["b.x1 -> a.x0"], forbidden=["b.x0 -> a.x1", "a.x1 -> b.x0"])
    edges = among_features(forced.fit(samples, y))
    assert ("b.x1", "a.x0") in edges
    assert not edges & {("b.x0", "a.x1"), ("a.x1", "b.x0")}
    assert len(among_features(ConditionalGaussian(forbidden=["a -> b", "b -> a"]).fit(samples, y))) == 2


@pytest.mark.parametrize(
    ("numeric", "required", "notes"),
    [
        (True, "class -> c.sex", []),
        (False, "class -> c.sex", []),
        (True, "flat.x0 -> a.x0", ["required edges of flat.x0 are left out: constant on training rows"]),
    ],
)
def test_required_edges_that_hold_anyway_are_no_error_and_those_of_a_constant_are_noted(numeric, required, notes):
    arrays, y = chain(100)
    tables = (
        [Modality(name, "table", v) for name, v in {**arrays, "flat": np.ones((100, 1))}.items()] if numeric else []
    )
    sex = Modality("c", "table", y[:, None].astype(float), features=("sex",), categories={"sex": ("f", "m")})
    model = ConditionalGaussian(required=[required]).fit(Samples([*tables, sex]), y)
    assert ("class", "c.sex") in model.structure_.edges
    assert model.notes_ == notes


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"structure": "full", "tiers": [["a"]]}, "needs a tree"),
        ({"required": ["a.x0 -> class"]}, "has no parent"),
        ({"required": ["a.x0 -> b.x0", "a.x1 -> b.x0"]}, "two parents"),
        ({"forbidden": ["class -> b"]}, "always has the edge class -> b.x0"),
        ({"required": ["c.sex -> a.x0"]}, "c.sex is categorical"),
        ({"required": ["c.sex -> class"]}, "has no parent"),
        ({"tiers": [["c"], ["class"]]}, "always has the edge class -> c.sex"),
        ({"required": ["a.y0 -> a.x0"]}, "did you mean"),
        ({"structure": "star"}, "use tree, full or none"),
    ],
)
def test_knowledge_that_the_network_cannot_honour_is_an_error(settings, told):
    arrays, y = chain(50)
    sex = Modality("c", "table", y[:, None].astype(float), features=("sex",), categories={"sex": ("f", "m")})
    samples = Samples([*(Modality(name, "table", values) for name, values in arrays.items()), sex])
    with pytest.raises(ValueError, match=told):
        ConditionalGaussian(**settings).fit(samples, y)
