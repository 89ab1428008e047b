"""The Markov network of labels: enumeration, quadrature, finite differences and logistic regression as oracles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression

from fusebench.datasets import Modality, Samples
from fusebench.methods.graphical.column_density import Factors
from fusebench.methods.graphical.markov_network import MarkovNetwork
from fusebench.methods.graphical.star_field import Star

COUPLINGS = ["potts", "full"]


def evidence(n=300, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    a = rng.normal(size=(n, 4)) + 1.5 * np.eye(k, 4)[y]
    b = rng.normal(size=(n, 3)) + 1.0 * np.eye(k, 3)[y]
    return {"a": a, "b": b, "noise": rng.normal(size=(n, 2))}, y


def random_star(n=5, M=3, k=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=k), 2 * rng.normal(size=(M, n, k)), rng.normal(size=(M, k, k))


def enumerate_star(bias, unary, couplings, row):
    """The joint distribution p(y, y_1..y_M | x) of one row as an array with one axis a variable."""
    M, _, k = unary.shape
    joint = np.empty((k,) * (M + 1))
    for labels in itertools.product(range(k), repeat=M + 1):
        y, leaves = labels[0], labels[1:]
        energy = bias[y] + sum(unary[m, row, v] + couplings[m, v, y] for m, v in enumerate(leaves))
        joint[labels] = np.exp(energy)
    return joint


def test_messages_on_the_tree_equal_enumeration():
    bias, unary, couplings = random_star()
    star = Star(bias, unary, couplings)
    pairs = np.zeros_like(couplings)
    for row in range(5):
        joint = enumerate_star(bias, unary, couplings, row)
        assert star.log_partition[row] == pytest.approx(np.log(joint.sum()))
        joint /= joint.sum()
        np.testing.assert_allclose(star.root[row], joint.sum(axis=(1, 2, 3)), atol=1e-12)
        for m in range(3):
            others = tuple(axis for axis in (1, 2, 3) if axis != m + 1)
            pairs[m] += joint.sum(axis=others).T
            np.testing.assert_allclose(star.leaves()[m, row], joint.sum(axis=(0, *others)), atol=1e-12)
            for y in range(3):
                given = joint[y].sum(axis=tuple(axis - 1 for axis in others)) / joint[y].sum()
                np.testing.assert_allclose(star.leaves_given(np.full(5, y))[m, row], given, atol=1e-12)
    np.testing.assert_allclose(star.pair_sums(), pairs, atol=1e-12)


def test_extreme_scores_stay_finite():
    bias, unary, couplings = random_star()
    star = Star(bias, 1e4 * unary, 50 * couplings)
    for values in (star.log_partition, star.root, star.leaves(), star.pair_sums()):
        assert np.isfinite(values).all()


@pytest.mark.parametrize("coupling", [*COUPLINGS, "none"])
def test_the_gradient_is_that_of_finite_differences(coupling):
    arrays, y = evidence(40)
    present = np.random.default_rng(1).random(40) < 0.7
    samples = Samples(
        [Modality("a", "table", arrays["a"], present), *(Modality(m, "table", arrays[m]) for m in ("b", "noise"))]
    )
    model = MarkovNetwork(coupling, l2=0.3, anchor=0.5).fit(samples, y)
    blocks, here = model._blocks(samples)
    theta = np.random.default_rng(2).normal(size=len(model.theta_))
    arguments = (blocks, here, y, 3)
    error = check_grad(
        lambda t: model._objective(t, *arguments)[0], lambda t: model._objective(t, *arguments)[1], theta
    )
    assert error < 1e-5 * np.linalg.norm(model._objective(theta, *arguments)[1])


def test_without_couplings_the_labels_are_independent_logistic_regressions_and_the_class_is_the_prior():
    arrays, y = evidence()
    samples = Samples.from_arrays(arrays)
    model = MarkovNetwork("none", l2=2.0, anchor=1.0, max_iter=2000).fit(samples, y)
    np.testing.assert_allclose(model.predict_proba(samples), np.tile(np.bincount(y) / len(y), (len(y), 1)), atol=1e-4)
    for name, labels in model.label_proba(samples).items():
        X = (arrays[name] - arrays[name].mean(axis=0)) / arrays[name].std(axis=0)
        alone = LogisticRegression(C=0.5, tol=1e-8, max_iter=2000).fit(X, y)
        np.testing.assert_allclose(labels, alone.predict_proba(X), atol=1e-3)


def test_zero_pairwise_potentials_leave_every_node_to_itself():
    bias, unary, _ = random_star()
    star = Star(bias, unary, np.zeros((3, 3, 3)))
    for scores, marginal in ((np.tile(bias, (5, 1)), star.root), *zip(unary, star.leaves(), strict=True)):
        alone = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(marginal, alone, atol=1e-12)


def with_holes(n=200, k=3, seed=0, share=0.3):
    """Numbers that go together and a category, with cells and a modality missing here and there."""
    rng = np.random.default_rng(seed)
    arrays, y = evidence(n, k, seed)
    a = arrays["a"] + rng.normal(size=(n, 1))
    a[:, 3] = (a[:, 0] > 0).astype(float) + (a[:, 1] > 0)
    a[rng.random(a.shape) < share] = np.nan
    b = np.where(rng.random(arrays["b"].shape) < share, np.nan, arrays["b"])
    present = rng.random(n) < 0.8
    first = Modality("a", "table", a, features=tuple("pqrs"), categories={"s": ("low", "mid", "high")})
    return Samples([first, Modality("b", "table", np.where(present[:, None], b, np.nan), present)]), y


def integrated(model, samples, row):
    """p(y | seen cells) of one row: the joint field summed over levels and integrated on a dense grid."""
    k = len(model.classes_)
    log_scores = np.empty((len(samples.names), k))
    for m, name in enumerate(samples.names):
        density, encoder = model.densities_[m], model.blocks_.encoders_[name]
        modality = samples.modality(name)
        values = modality.values[row].astype(float)
        if not modality.present[row]:
            values = np.full_like(values, np.nan)
        numeric = (values[~encoder.categorical] - encoder.mean) / encoder.scale
        U, noise = density.factors.loadings, density.factors.noise
        covariance = U @ U.T + noise * np.eye(len(U))
        gone = np.isnan(numeric)
        W = model.weights_[m] - (model.weights_[m] @ model.share_)[:, None]
        points, masses = np.polynomial.hermite_e.hermegauss(40)
        o, h = np.flatnonzero(~gone), np.flatnonzero(gone)
        gain = (
            np.linalg.solve(covariance[np.ix_(o, o)], covariance[np.ix_(o, h)]).T if len(o) else np.zeros((len(h), 0))
        )
        left = covariance[np.ix_(h, h)] - gain @ covariance[np.ix_(o, h)]
        axes = np.meshgrid(*[points] * len(h)) if len(h) else []
        grid = np.stack(axes, axis=-1).reshape(-1, len(h)) if len(h) else np.zeros((1, 0))
        mass = np.ones(len(grid))
        for axis in np.meshgrid(*[masses / masses.sum()] * len(h)) if len(h) else []:
            mass *= axis.ravel()
        full = np.zeros((len(grid), len(numeric)))
        full[:, o] = numeric[o]
        full[:, h] = (gain @ numeric[o] if len(o) else 0.0) + grid @ (np.linalg.cholesky(left).T if len(h) else left)
        whole = mass @ np.exp(full @ W[: len(numeric)])
        for variable in np.flatnonzero(encoder.categorical):
            levels = slice(len(numeric), len(numeric) + encoder.levels[0])
            told = np.eye(encoder.levels[0])[int(values[variable])] if not np.isnan(values[variable]) else None
            chances = density.frequency if told is None else told
            whole = whole * (chances @ np.exp(W[levels])) / np.exp(density.frequency @ W[levels])
        log_scores[m] = np.log(whole) + model.intercepts_[m]
    joint = enumerate_star(model.bias_, log_scores[:, None], model.couplings_, 0)
    posterior = joint.reshape(k, -1).sum(axis=1)
    return posterior / posterior.sum()


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_missing_cells_are_summed_out_exactly(coupling):
    samples, y = with_holes()
    model = MarkovNetwork(coupling, l2=0.1).fit(samples, y)
    posterior = model.predict_proba(samples)
    expected = [integrated(model, samples, row) for row in range(40)]
    np.testing.assert_allclose(posterior[:40], expected, atol=1e-9)


def test_all_cells_missing_is_an_absent_modality():
    samples, y = with_holes()
    model = MarkovNetwork().fit(samples, y)
    a, b = samples.modalities
    hollow = Modality("b", "table", np.full_like(b.values, np.nan))
    absent = Modality("b", "table", b.values, np.zeros(len(y), dtype=bool))
    np.testing.assert_allclose(
        model.predict_proba(Samples([a, hollow])), model.predict_proba(Samples([a, absent])), atol=1e-12
    )


@pytest.mark.parametrize("coupling", [*COUPLINGS, "none"])
def test_the_gradient_with_missing_cells_is_that_of_finite_differences(coupling):
    samples, y = with_holes(40)
    model = MarkovNetwork(coupling, l2=0.3, anchor=0.5).fit(samples, y)
    blocks, here = model._blocks(samples)
    theta = np.random.default_rng(2).normal(size=len(model.theta_))
    arguments = (blocks, here, y, 3)
    error = check_grad(
        lambda t: model._objective(t, *arguments)[0], lambda t: model._objective(t, *arguments)[1], theta
    )
    assert error < 1e-5 * np.linalg.norm(model._objective(theta, *arguments)[1])


def test_the_density_of_the_columns_is_found_through_the_holes():
    """EM on seen cells: likelihood never falls, and the planted covariance comes out."""
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(6, 2))
    X = rng.normal(size=(4000, 2)) @ loadings.T + 0.5 * rng.normal(size=(4000, 6))
    holes = np.where(rng.random(X.shape) < 0.3, np.nan, X)
    found = Factors.fit(holes, most=2)
    np.testing.assert_allclose(found.loadings @ found.loadings.T, loadings @ loadings.T, atol=0.25)
    assert found.noise == pytest.approx(0.25, abs=0.03)
    seen = ~np.isnan(holes)
    steps = [Factors(rng.normal(size=(6, 2)), 1.0)]
    for _ in range(10):
        steps.append(steps[-1]._step(np.where(seen, holes, 0.0), seen))

    def likelihood(factors):
        covariance = factors.loadings @ factors.loadings.T + factors.noise * np.eye(6)
        return sum(
            multivariate_normal(np.zeros(s.sum()), covariance[np.ix_(s, s)]).logpdf(x[s])
            for x, s in zip(holes[:300], seen[:300], strict=True)
            if s.any()
        )

    assert likelihood(steps[-1]) > likelihood(steps[0]) + 100


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_labels_mean_the_classes_and_evidence_is_fused(coupling):
    arrays, y = evidence(900)
    samples = Samples.from_arrays(arrays)
    model = MarkovNetwork(coupling).fit(samples[:600], y[:600])
    labels = model.label_proba(samples[600:])
    assert (labels["a"].argmax(axis=1) == y[600:]).mean() > 0.75
    single = MarkovNetwork(coupling).fit(samples[:600].select(["a"]), y[:600])
    alone = (single.predict(samples[600:].select(["a"])) == y[600:]).mean()
    assert (model.predict(samples[600:]) == y[600:]).mean() > alone + 0.02
    weights = model.modality_weights_
    assert weights["a"] > weights["b"] > weights["noise"]


def test_the_couplings_favour_the_own_class_and_trust_a_noisy_modality_less():
    arrays, y = evidence(900)
    model = MarkovNetwork().fit(Samples.from_arrays(arrays), y)
    strength = np.trace(model.couplings_, axis1=1, axis2=2)
    assert (strength[:2] > 0.5).all()
    assert strength[2] < strength[:2].min()


def test_what_did_not_converge_is_said_and_a_wrong_coupling_is_an_error():
    arrays, y = evidence()
    samples = Samples.from_arrays(arrays)
    assert MarkovNetwork(max_iter=2).fit(samples, y).notes_
    assert not MarkovNetwork().fit(samples, y).notes_
    with pytest.raises(ValueError, match="use potts, full or none"):
        MarkovNetwork("ising").fit(samples, y)
