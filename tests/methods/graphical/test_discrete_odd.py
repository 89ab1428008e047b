"""The discrete networks on odd data: a right answer, no warning, nothing that is not a number."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.graphical.aode import AODE
from fusebench.methods.graphical.bayes_net_bdeu import BayesNetBDeu
from fusebench.methods.graphical.bayes_net_bic import BayesNetBIC
from fusebench.methods.graphical.naive_bayes import NaiveBayes
from fusebench.methods.graphical.tan import TAN

METHODS = [NaiveBayes, TAN, AODE, BayesNetBDeu, BayesNetBIC]


@pytest.fixture(autouse=True)
def silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def fitted(cls, samples, y, **settings):
    """Probabilities of the training rows, whole and with holes, having checked that they are probabilities."""
    method = cls(**settings).fit(samples, y)
    rng = np.random.default_rng(0)
    holes = {}
    for m in samples.modalities:
        values = np.array(m.values)
        values[rng.random(values.shape) < 0.3] = np.nan
        holes[m.name] = values
    for given in (samples, Samples.from_arrays(holes)):
        proba = method.predict_proba(given)
        assert np.isfinite(proba).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    return method, method.predict_proba(samples)


@pytest.mark.parametrize("cuts", ["quantile", "mdl"])
@pytest.mark.parametrize("cls", METHODS)
def test_more_columns_than_rows(cls, cuts):
    rng = np.random.default_rng(1)
    y = np.arange(120) % 2
    wide = rng.normal(size=(120, 5800))
    wide[:, :40] += 2.0 * y[:, None]
    _, proba = fitted(cls, Samples.from_arrays({"wide": wide}), y, cuts=cuts)
    assert (proba.argmax(axis=1) == y).mean() > 0.95


@pytest.mark.parametrize("cls", METHODS)
def test_forty_classes(cls):
    rng = np.random.default_rng(2)
    y = np.repeat(np.arange(40), 10)
    X = y[:, None] % np.array([2, 4, 5, 8]) + 0.05 * rng.normal(size=(400, 4))
    _, proba = fitted(cls, Samples.from_arrays({"a": X[:, :2], "b": X[:, 2:]}), y, bins=8)
    assert proba.shape == (400, 40)
    if cls in (NaiveBayes, AODE, TAN):  # the others make an edge only where 400 rows pay for it
        assert (proba.argmax(axis=1) == y).mean() > 0.85


@pytest.mark.parametrize("cls", METHODS)
def test_identical_rows_with_different_labels_get_their_frequencies(cls):
    X = np.ones((60, 3))
    y = np.array([0] * 45 + [1] * 15)
    _, proba = fitted(cls, Samples.from_arrays({"a": X}), y)
    np.testing.assert_allclose(proba, np.tile([[0.75, 0.25]], (60, 1)), atol=0.06)


@pytest.mark.parametrize("cls", METHODS)
def test_one_row_a_class_one_class_and_one_row(cls):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]])
    samples = Samples.from_arrays({"a": X})
    fitted(cls, samples, np.array([0, 1, 2]))
    _, sure = fitted(cls, samples, np.array([4, 4, 4]))
    np.testing.assert_array_equal(sure, np.ones((3, 1)))
    fitted(cls, samples[:1], np.array([0]))


@pytest.mark.parametrize("cls", METHODS)
def test_a_duplicated_and_a_constant_modality(cls):
    rng = np.random.default_rng(3)
    y = np.arange(200) % 2
    X = rng.normal(size=(200, 4)) + 1.5 * y[:, None]
    _, proba = fitted(cls, Samples.from_arrays({"a": X, "copy": X, "dull": np.full((200, 3), 2.0)}), y)
    assert (proba.argmax(axis=1) == y).mean() > 0.8


@pytest.mark.parametrize("cls", METHODS)
def test_a_column_and_a_modality_without_any_value_in_training(cls):
    rng = np.random.default_rng(4)
    y = np.arange(100) % 2
    X = rng.normal(size=(100, 3)) + 1.5 * y[:, None]
    X[:, 1] = np.nan
    _, proba = fitted(cls, Samples.from_arrays({"a": X, "b": np.full((100, 2), np.nan)}), y)
    assert (proba.argmax(axis=1) == y).mean() > 0.8


@pytest.mark.parametrize("cls", METHODS)
def test_the_order_in_which_modalities_are_given_to_fit_decides_nothing(cls):
    rng = np.random.default_rng(5)
    y = np.arange(150) % 3
    arrays = {name: rng.normal(size=(150, 3)) + y[:, None] for name in ("c", "a", "b")}
    arrays["b"] = arrays["a"] + 0.5 * arrays["b"]
    one = Samples.from_arrays(arrays)
    other = one.select(["b", "c", "a"])
    np.testing.assert_allclose(cls().fit(one, y).predict_proba(one), cls().fit(other, y).predict_proba(one), atol=1e-12)


@pytest.mark.parametrize("cls", METHODS)
def test_cuts_at_quantiles_and_by_entropy_are_two_methods(cls):
    rng = np.random.default_rng(6)
    y = (np.arange(400) % 10 == 0).astype(int)  # a rare class beyond every quantile
    samples = Samples.from_arrays({"a": rng.normal(size=(400, 2)) + 4.0 * y[:, None]})
    even, sharp = (cls(bins=2, cuts=cuts).fit(samples, y).predict_proba(samples) for cuts in ("quantile", "mdl"))
    losses = [-np.log(p[np.arange(400), y]).mean() for p in (even, sharp)]
    assert losses[1] < losses[0] - 0.05
