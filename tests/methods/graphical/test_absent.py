"""A modality that a row lacks is summed out exactly by every graphical method: brute force, or the model without it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from fusebench.datasets import Modality, Samples
from fusebench.methods.registry import method_registry

KINDS = {"hidden-markov": "signal", "grid-field": "image"}
"""What the modality that goes missing is, where it is no table."""


def linked(kind, n=240):
    """Modality b follows a within the classes, so that no imputation would do."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    a = rng.normal(size=(n, 2)) + 0.8 * y[:, None]
    b = np.where(y[:, None] == 1, 1.0, -0.6) * a + 0.5 * rng.normal(size=(n, 2))
    shape = {"table": (n, 2), "signal": (n, 1, 2), "image": (n, 1, 1, 2)}[kind]
    return Samples([Modality("a", "table", a), Modality("b", kind, b.reshape(shape))]), y


def refitted(model, train, y, rows):
    """Modalities meet at the class alone: the branch of b can be cut off before the fit."""
    return type(model)().fit(train.select(["a"]), y).predict_proba(rows.select(["a"]))


def integrated(model, train, y, rows):
    """The Gaussian of the columns of a, taken out of the joint one."""
    own = np.flatnonzero([name.startswith("a.") for name in model.features_])
    scale, X = model._scale[own], rows.modality("a").values
    joint = np.empty((len(X), 2))
    for c in range(2):
        mean = model._origin[own] + scale * model.mean_[c, own]
        covariance = model.covariances_[c][np.ix_(own, own)] * np.outer(scale, scale)
        joint[:, c] = model.prior_[c] * multivariate_normal(mean, covariance).pdf(X)
    return joint / joint.sum(axis=1, keepdims=True)


def label_of_its_own(model, train, y, rows):
    """Sums over both labels; that of b weighs what exp(x W + b) integrates to over the density of its columns."""
    X = model.blocks_.transform(rows)["a"]
    scores = X @ model.weights_[0] + model.intercepts_[0]
    factors = model.densities_[1].factors
    covariance = factors.loadings @ factors.loadings.T + factors.noise * np.eye(2)
    weights = model.weights_[1] - (model.weights_[1] @ np.bincount(y) / len(y))[:, None]
    points, masses = np.polynomial.hermite_e.hermegauss(60)
    grid = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2) @ np.linalg.cholesky(covariance).T
    mass = np.outer(masses, masses).ravel() / masses.sum() ** 2
    alone = np.log(mass @ np.exp(grid @ weights + model.intercepts_[1]))
    joint = np.zeros((len(X), 2))
    for first, second, c in itertools.product(range(2), repeat=3):
        energy = model.bias_[c] + model.couplings_[0, first, c] + model.couplings_[1, second, c]
        joint[:, c] += np.exp(energy + scores[:, first] + alone[second])
    return joint / joint.sum(axis=1, keepdims=True)


ORACLES = {
    "aode": refitted,
    "bayes-net-bdeu": None,
    "bayes-net-bic": None,
    "conditional-gaussian": integrated,
    "gaussian-naive-bayes": refitted,
    "grid-field": refitted,
    "hidden-markov": refitted,
    "latent-class": refitted,
    "markov-network": label_of_its_own,
    "naive-bayes": refitted,
    "tan": None,
}
"""None: the joint distribution of the fitted network, enumerated."""


def test_every_graphical_method_is_tried():
    registry = method_registry()
    assert {name for name in registry.names() if registry.get(name).card.family == "graphical"} == set(ORACLES)


@pytest.mark.parametrize("name", ORACLES)
def test_a_row_without_a_modality_gets_the_posterior_of_what_is_left(name, enumerated):
    samples, y = linked(KINDS.get(name, "table"))
    model = method_registry().get(name).load()().fit(samples, y)
    b = samples.modality("b")
    absent = Samples([samples.modality("a"), Modality("b", b.kind, b.values, np.zeros(len(y), dtype=bool))])
    got = model.predict_proba(absent)
    if (oracle := ORACLES[name]) is not None:
        expected = oracle(model, samples, y, absent)
    else:
        table = model.discretiser_.transform(absent)[:, model.columns_]
        expected = enumerated(model.network_, table)
    np.testing.assert_allclose(got, expected, atol=1e-9)
    assert np.abs(got - model.predict_proba(samples)).max() > 0.05  # b has a say where it is there
