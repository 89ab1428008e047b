"""Degenerate input: every method gives the right answer, without a warning and without a NaN."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.kernels import machine
from fusebench.methods.kernels.mklaren import KernelMklaren

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True, params=["full", "low rank"])
def machines(request, monkeypatch):
    """All of it holds for machines on whole matrices and for those above the number of rows where they go low-rank."""
    if request.param == "low rank":
        monkeypatch.setattr(machine, "FULL_ROWS", 1)


def tables(n=60, k=2, shift=2.5, seed=0):
    """Codes and two tables: the first tells them, the second is noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    return {"a": rng.normal(size=(n, 3)) + shift * y[:, None], "b": rng.normal(size=(n, 2))}, y


def fitted(method, arrays, y):
    """The fitted method, its probabilities of the training rows, and its weights; nothing of it NaN."""
    samples = Samples.from_arrays(arrays)
    method.fit(samples, y)
    proba = method.predict_proba(samples)
    assert proba.shape == (len(y), len(np.unique(y)))
    assert np.isfinite(proba).all()
    assert (proba > 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    weights = method.modality_weights_
    assert list(weights) == list(arrays)
    assert all(np.isfinite(w) and w >= 0 for w in weights.values())
    return method, proba, weights


def hits(proba, y):
    return (proba.argmax(axis=1) == y).mean()


def test_a_constant_column_changes_nothing(kernel_method):
    arrays, y = tables()
    _, proba, _ = fitted(kernel_method(), arrays, y)
    _, same, _ = fitted(kernel_method(), {**arrays, "a": np.hstack([arrays["a"], np.full((60, 1), 3.3)])}, y)
    np.testing.assert_allclose(same, proba, atol=1e-4)


def test_a_modality_that_does_not_vary_has_no_weight_and_changes_nothing(kernel_method):
    arrays, y = tables()
    _, proba, _ = fitted(kernel_method(), {"a": arrays["a"]}, y)
    _, same, weights = fitted(kernel_method(), {"a": arrays["a"], "same": np.full((60, 3), 0.1)}, y)
    assert hits(same, y) > 0.9
    assert weights == pytest.approx({"a": 1.0, "same": 0.0})
    np.testing.assert_allclose(same, proba, atol=0.05)


def test_a_duplicated_modality_weighs_like_its_twin(kernel_method):
    arrays, y = tables()
    _, proba, weights = fitted(kernel_method(), {**arrays, "twin": arrays["a"]}, y)
    assert hits(proba, y) > 0.9
    assert weights["a"] + weights["twin"] > 0.6
    if kernel_method is not KernelMklaren:  # takes one column after another, of either
        assert weights["twin"] == pytest.approx(weights["a"], rel=1e-3)


def test_two_identical_rows_of_different_classes_get_the_same_answer(kernel_method):
    arrays, y = tables()
    for X in arrays.values():
        X[1] = X[0]
    _, proba, _ = fitted(kernel_method(), arrays, y)
    np.testing.assert_allclose(proba[0], proba[1], atol=1e-9)
    assert hits(proba[2:], y[2:]) > 0.9


def test_only_two_rows_and_they_clash(kernel_method):
    arrays = {"a": np.ones((2, 3)), "b": np.full((2, 1), 7.0)}
    _, proba, _ = fitted(kernel_method(), arrays, np.array([0, 1]))
    np.testing.assert_allclose(proba, 0.5, atol=1e-6)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_one_row_a_class(kernel_method, k):
    """Nothing can be held out, and yet a row's own class must not be its least probable one."""
    arrays, y = tables(n=k, k=k)
    _, proba, _ = fitted(kernel_method(), arrays, y)
    assert hits(proba, y) >= (1.0 if k > 2 else 0.5)


def test_a_class_of_one_row_among_others(kernel_method):
    arrays, y = tables(n=61)
    y = y.copy()
    y[60], arrays["a"][60] = 2, 20.0
    _, proba, _ = fitted(kernel_method(), arrays, y)
    assert hits(proba[:60], y[:60]) > 0.9
    assert proba[60, 2] == proba[:, 2].max()


def test_more_columns_than_rows(kernel_method):
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    arrays = {"wide": rng.normal(size=(120, 5800)) + 0.3 * y[:, None], "b": rng.normal(size=(120, 2))}
    _, proba, weights = fitted(kernel_method(), arrays, y)
    assert hits(proba, y) > 0.9
    assert weights["wide"] >= weights["b"]


def test_forty_classes(kernel_method):
    """Only both modalities together tell them: a class is a point of a grid of eight by five."""
    rng = np.random.default_rng(0)
    y = np.arange(160) % 40
    arrays = {name: x[:, None] + rng.normal(size=(160, 1)) / 20 for name, x in (("a", y % 8), ("b", y // 8))}
    _, proba, _ = fitted(kernel_method(), arrays, y)
    assert hits(proba, y) > 0.7


def test_a_single_class_is_certain(kernel_method):
    arrays, _ = tables(n=8)
    samples = Samples.from_arrays(arrays)
    np.testing.assert_array_equal(kernel_method().fit(samples, np.full(8, 3)).predict_proba(samples), np.ones((8, 1)))
