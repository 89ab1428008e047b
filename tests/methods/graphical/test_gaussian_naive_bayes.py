"""Gaussian naive Bayes: scikit-learn as the oracle, sums over sites, hand-computed values, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.naive_bayes import CategoricalNB, GaussianNB

from fusebench.datasets import Modality, Samples
from fusebench.methods.graphical.gaussian import FLOOR, GaussianFactor, Moments
from fusebench.methods.graphical.gaussian_naive_bayes import GaussianNaiveBayes

PLAIN = {"strength": 0.0, "alpha": 0.0}
"""Maximum likelihood, as scikit-learn does it."""


def blobs(n=300, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    a = rng.normal(size=(n, 3)) * (1 + y[:, None]) + y[:, None] * [1.0, 0.0, -2.0]
    b = 1e4 + 50 * rng.normal(size=(n, 2)) + 30 * y[:, None]
    return {"a": a, "b": b}, y


def mixed(n=400, seed=1):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    blood = np.where(rng.random(n) < 0.6, y, rng.integers(0, 3, n)).astype(float)
    number = rng.normal(size=n) + y
    table = Modality(
        "t", "table", np.column_stack([blood, number]), features=("blood", "age"), categories={"blood": ("a", "b", "o")}
    )
    return Samples([table]), y


def test_posteriors_equal_scikit_learns():
    arrays, y = blobs()
    X = np.hstack(list(arrays.values()))
    ours = GaussianNaiveBayes(**PLAIN).fit(Samples.from_arrays(arrays), y).predict_proba(Samples.from_arrays(arrays))
    np.testing.assert_allclose(ours, GaussianNB(var_smoothing=0.0).fit(X, y).predict_proba(X), atol=1e-9)


def test_categorical_columns_join_in_as_tables():
    samples, y = mixed()
    cells = samples.modality("t").values
    tables = CategoricalNB(alpha=1.0, min_categories=3).fit(cells[:, :1].astype(int), y)
    numbers = GaussianNB(var_smoothing=0.0).fit(cells[:, 1:], y)
    log_prior = np.log(np.bincount(y) / len(y))
    joint = tables.predict_joint_log_proba(cells[:, :1].astype(int)) + numbers.predict_joint_log_proba(cells[:, 1:])
    joint -= log_prior  # both hold it
    smoothed = np.log((np.bincount(y) + 1) / (len(y) + 2)) - log_prior  # ours also smooths the classes
    expected = np.exp(joint + smoothed)
    ours = GaussianNaiveBayes(strength=0.0, alpha=1.0).fit(samples, y).predict_proba(samples)
    np.testing.assert_allclose(ours, expected / expected.sum(axis=1, keepdims=True), atol=1e-9)


def test_moments_of_sites_add_up_to_the_pooled_fit():
    arrays, y = blobs()
    X = np.hstack(list(arrays.values()))
    X[np.random.default_rng(2).random(X.shape) < 0.2] = np.nan
    X[y == 2, 0] = np.nan  # a class without the column at every site
    sites = np.random.default_rng(3).integers(0, 4, len(y))
    pooled = Moments.of(X, y, 3)
    parts = [Moments.of(X[sites == s], y[sites == s], 3) for s in range(4)]
    merged = sum(parts[1:], parts[0])
    for name in ("count", "mean", "squares"):
        whole, added = getattr(pooled, name), getattr(merged, name)
        known = pooled.count > 0  # the mean of nothing means nothing
        np.testing.assert_allclose(added[known], whole[known], rtol=1e-10)
    whole, added = GaussianFactor(1.0, 1.0), GaussianFactor(1.0, 1.0)
    whole.learn(pooled)
    added.learn(merged)
    np.testing.assert_allclose(added.mean_, whole.mean_, atol=1e-10)
    np.testing.assert_allclose(added.variance_, whole.variance_, rtol=1e-10)


def test_a_class_variance_is_drawn_to_the_variance_within_classes():
    x, y = np.array([[0.0], [2.0], [10.0], [16.0]]), np.array([0, 0, 1, 1])
    factor = GaussianNaiveBayes(strength=2.0).fit(Samples.from_arrays({"m": x}), y).factors_["m"]
    # Squares about the means 1 and 13 are 2 and 18; within = 20 / 4 = 5; (2 + 2*5) / 4 and (18 + 2*5) / 4.
    np.testing.assert_allclose(factor.variance_[0] * factor.scale_[0] ** 2, [3.0, 7.0])
    np.testing.assert_allclose(factor.mean_[0] * factor.scale_[0] + factor.origin_[0], [1.0, 13.0])


def test_a_missing_cell_and_an_absent_modality_drop_their_factor():
    arrays, y = blobs()
    model = GaussianNaiveBayes().fit(Samples.from_arrays(arrays), y)
    without = GaussianNaiveBayes().fit(Samples.from_arrays({"a": arrays["a"][:, 1:]}), y)
    hollow = {"a": arrays["a"].copy(), "b": np.full_like(arrays["b"], np.nan)}
    hollow["a"][:, 0] = np.nan
    cells = model.predict_proba(Samples.from_arrays(hollow))
    np.testing.assert_allclose(cells, without.predict_proba(Samples.from_arrays({"a": arrays["a"][:, 1:]})), atol=1e-12)
    gone = Modality("b", "table", arrays["b"], np.zeros(len(y), dtype=bool))
    absent = model.predict_proba(Samples([Modality("a", "table", hollow["a"]), gone]))
    np.testing.assert_allclose(absent, cells, atol=1e-12)


def test_a_column_constant_within_a_class_stays_finite_and_decides():
    x = np.column_stack([[1.0, 1.0, 1.0, 2.0, 3.0, 4.0], np.ones(6)])
    y = np.array([0, 0, 0, 1, 1, 1])
    model = GaussianNaiveBayes(strength=0.0).fit(Samples.from_arrays({"m": x}), y)
    factor = model.factors_["m"]
    assert factor.kept_.tolist() == [True, False]
    assert factor.variance_[0, 0] == FLOOR
    proba = model.predict_proba(Samples.from_arrays({"m": [[1.0, 9.0], [2.5, -9.0], [1e9, 0.0]]}))
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba[:, 0], [1.0, 0.0, 0.0], atol=1e-3)


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_a_large_offset_costs_no_digits(offset):
    arrays, y = blobs()
    near = {name: values - values.mean(axis=0) for name, values in arrays.items()}
    far = {name: values + offset for name, values in near.items()}
    proba = [
        GaussianNaiveBayes().fit(Samples.from_arrays(a), y).predict_proba(Samples.from_arrays(a)) for a in (near, far)
    ]
    np.testing.assert_allclose(proba[1], proba[0], atol=1e-4)


def test_weights_tell_the_informative_modality_and_the_graph_is_a_star():
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, 400)
    arrays = {"signal": rng.normal(size=(400, 2)) + 2 * y[:, None], "noise": rng.normal(size=(400, 2))}
    model = GaussianNaiveBayes().fit(Samples.from_arrays(arrays), y)
    assert model.modality_weights_["signal"] > 0.9
    assert sum(model.modality_weights_.values()) == pytest.approx(1.0)
    assert model.structure_.edges == tuple(("class", f"{m}.x{j}") for m in ("signal", "noise") for j in (0, 1))
    assert model.n_parameters_ == 1 + 2 * 2 * 4
