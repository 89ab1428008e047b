"""Every graphical method on odd data: a right answer, no warning, nothing that is not a number."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.graphical.aode import AODE
from fusebench.methods.graphical.bayes_net_bdeu import BayesNetBDeu
from fusebench.methods.graphical.bayes_net_bic import BayesNetBIC
from fusebench.methods.graphical.conditional_gaussian import ConditionalGaussian
from fusebench.methods.graphical.gaussian_naive_bayes import GaussianNaiveBayes
from fusebench.methods.graphical.grid_field import GridField
from fusebench.methods.graphical.hidden_markov import HiddenMarkov
from fusebench.methods.graphical.latent_class import LatentClass
from fusebench.methods.graphical.markov_network import MarkovNetwork
from fusebench.methods.graphical.naive_bayes import NaiveBayes
from fusebench.methods.graphical.tan import TAN

DISCRETE = [NaiveBayes, TAN, AODE, BayesNetBDeu, BayesNetBIC]
METHODS = [*DISCRETE, GaussianNaiveBayes, ConditionalGaussian, LatentClass, MarkovNetwork, HiddenMarkov, GridField]


@pytest.fixture(autouse=True)
def silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def samples_for(cls, arrays):
    """Arrays (n, D) as what the method is for: signals of up to 100 time points, images up to 100 wide, or tables."""
    kind = {HiddenMarkov: "signal", GridField: "image"}.get(cls, "table")
    shaped = {}
    for name, X in arrays.items():
        lines = max(1, X.shape[1] // 100)
        shaped[name] = X if kind == "table" else X.reshape(len(X), *([1] * (kind == "image")), lines, -1)
    return Samples.from_arrays(shaped, kinds=dict.fromkeys(arrays, kind))


def fitted(cls, arrays, y, **settings):
    """Probabilities of the training rows, having checked that they are such, also where cells are missing."""
    method = cls(**settings).fit(samples_for(cls, arrays), y)
    rng = np.random.default_rng(0)
    holes = {name: np.where(rng.random(X.shape) < 0.3, np.nan, X) for name, X in arrays.items()}
    for given in (arrays, holes):
        proba = method.predict_proba(samples_for(cls, given))
        assert np.isfinite(proba).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    return method.predict_proba(samples_for(cls, arrays))


def hits(proba, y):
    return (proba.argmax(axis=1) == y).mean()


def apart(n=100, seed=0, width=4):
    """Two classes that lie apart in every column."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return rng.normal(size=(n, width)) + 2.0 * y[:, None], y


@pytest.mark.parametrize("cls", METHODS)
def test_more_columns_than_rows(cls):
    rng = np.random.default_rng(1)
    y = np.arange(120) % 2
    wide = rng.normal(size=(120, 5800))
    wide[:, :40] += 2.0 * y[:, None]
    few = {"max_iter": 3} if cls is HiddenMarkov else {}
    assert hits(fitted(cls, {"wide": wide}, y, **few), y) > 0.95


@pytest.mark.parametrize("cls", DISCRETE)
def test_more_columns_than_rows_cut_by_entropy(cls):
    rng = np.random.default_rng(1)
    y = np.arange(120) % 2
    wide = rng.normal(size=(120, 5800))
    wide[:, :40] += 2.0 * y[:, None]
    assert hits(fitted(cls, {"wide": wide}, y, cuts="mdl"), y) > 0.95


@pytest.mark.parametrize("cls", METHODS)
def test_forty_classes(cls):
    rng = np.random.default_rng(2)
    y = np.repeat(np.arange(40), 10)
    X = y[:, None] % np.array([2, 4, 5, 8]) + 0.05 * rng.normal(size=(400, 4))
    proba = fitted(cls, {"a": X[:, :2], "b": X[:, 2:]}, y, **({"bins": 8} if hasattr(cls(), "bins") else {}))
    assert proba.shape == (400, 40)
    least = {GridField: 0.5, BayesNetBIC: 0.1}  # fewer labels than values; edges only where 400 rows pay for them
    assert hits(proba, y) > least.get(cls, 0.75)


@pytest.mark.parametrize("cls", METHODS)
def test_rows_that_are_all_alike_get_the_frequencies_of_the_labels(cls):
    y = np.array([0] * 45 + [1] * 15)
    proba = fitted(cls, {"a": np.ones((60, 3))}, y)
    np.testing.assert_allclose(proba, np.tile([[0.75, 0.25]], (60, 1)), atol=0.06)


@pytest.mark.parametrize("cls", METHODS)
def test_two_identical_rows_with_different_labels_get_one_answer(cls):
    X, y = apart()
    X[1] = X[0]
    proba = fitted(cls, {"a": X}, y)
    np.testing.assert_allclose(proba[0], proba[1], atol=1e-12)
    assert hits(proba[2:], y[2:]) > 0.85


@pytest.mark.parametrize("cls", METHODS)
def test_one_row_a_class_one_class_and_one_row(cls):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]])
    fitted(cls, {"a": X}, np.array([0, 1, 2]))
    np.testing.assert_array_equal(fitted(cls, {"a": X}, np.array([4, 4, 4])), np.ones((3, 1)))
    fitted(cls, {"a": X[:1]}, np.array([0]))


@pytest.mark.parametrize("cls", METHODS)
def test_a_duplicated_and_a_constant_modality_and_a_constant_column(cls):
    X, y = apart(200)
    X[:, 1] = -3.0
    assert hits(fitted(cls, {"a": X, "copy": X, "dull": np.full((200, 4), 2.0)}, y), y) > 0.85


@pytest.mark.parametrize("cls", METHODS)
def test_a_column_and_a_modality_without_any_value_in_training(cls):
    X, y = apart()
    X[:, 1] = np.nan
    arrays = {"a": X, "b": np.full((100, 4), np.nan)}
    assert hits(fitted(cls, arrays, y), y) > 0.85
    model = cls().fit(samples_for(cls, arrays), y)
    seen = model.predict_proba(samples_for(cls, {"a": X, "b": X + 7.0}))
    np.testing.assert_allclose(seen, model.predict_proba(samples_for(cls, arrays)), atol=1e-12)


@pytest.mark.parametrize("cls", METHODS)
def test_the_order_in_which_modalities_are_given_to_fit_decides_nothing(cls):
    rng = np.random.default_rng(5)
    y = np.arange(150) % 3
    arrays = {name: rng.normal(size=(150, 3)) + y[:, None] for name in ("c", "a", "b")}
    arrays["b"] = arrays["a"] + 0.5 * arrays["b"]
    one = samples_for(cls, arrays)
    other = one.select(["b", "c", "a"])
    np.testing.assert_allclose(cls().fit(one, y).predict_proba(one), cls().fit(other, y).predict_proba(one), atol=1e-4)


@pytest.mark.parametrize("cls", DISCRETE)
def test_cuts_at_quantiles_and_by_entropy_are_two_methods(cls):
    rng = np.random.default_rng(6)
    y = (np.arange(400) % 10 == 0).astype(int)  # a rare class beyond every quantile
    samples = Samples.from_arrays({"a": rng.normal(size=(400, 2)) + 4.0 * y[:, None]})
    even, sharp = (cls(bins=2, cuts=cuts).fit(samples, y).predict_proba(samples) for cuts in ("quantile", "mdl"))
    losses = [-np.log(p[np.arange(400), y]).mean() for p in (even, sharp)]
    assert losses[1] < losses[0] - 0.05
