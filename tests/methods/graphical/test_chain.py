"""Hidden chains: enumeration, zero coupling, Baum-Welch's promise, classes that differ in their transitions only."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from scipy.stats import norm

from fusebench.datasets import Modality, Samples, Task, TaskCard, load_task
from fusebench.methods.baselines.concat_logistic import ConcatLogistic
from fusebench.methods.graphical.emissions import Emissions, cluster, moving_mean
from fusebench.methods.graphical.gaussian import FLOOR
from fusebench.methods.graphical.gaussian_naive_bayes import GaussianNaiveBayes
from fusebench.methods.graphical.grid_field import ancestors_first
from fusebench.methods.graphical.hidden_markov import HiddenMarkov
from fusebench.methods.graphical.latent_tree import Prior, downward, hard_counts, upward

STAY = {0: 0.9, 1: 0.4}
"""Probability of staying in the state, in each class; the two states are equally frequent in both."""


def chains(n=160, T=60, seed=0):
    """One channel whose mean is -1 or 1 by a hidden state; classes differ in how long a state lasts."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    stay = np.where(y == 0, STAY[0], STAY[1])
    states = np.empty((n, T), dtype=int)
    states[:, 0] = rng.integers(0, 2, n)
    for t in range(1, T):
        states[:, t] = np.where(rng.random(n) < stay, states[:, t - 1], 1 - states[:, t - 1])
    return (2 * states - 1 + 0.5 * rng.normal(size=(n, T)))[:, None, :], y


def signals(**arrays):
    return Samples.from_arrays(arrays, kinds=dict.fromkeys(arrays, "signal"))


def random_prior(parents, k=2, S=3, seed=0):
    rng = np.random.default_rng(seed)
    tables = rng.random((len(parents), k, S, S)) + 0.05
    start = rng.random((k, S)) + 0.05
    normal = tables / tables.sum(axis=-1, keepdims=True)
    return Prior(ancestors_first(parents), parents, start / start.sum(axis=1, keepdims=True), normal)


def enumerate_tree(prior, logs, c):
    """The joint distribution of states and evidence of one row, logs (T, S), as an array with one axis a node."""
    T, S = logs.shape
    joint = np.empty((S,) * T)
    for states in itertools.product(range(S), repeat=T):
        p = np.exp(sum(logs[t, s] for t, s in enumerate(states)))
        for t, parent in enumerate(prior.parents):
            p *= prior.start[c, states[t]] if parent < 0 else prior.tables[t, c, states[parent], states[t]]
        joint[states] = p
    return joint


@pytest.mark.parametrize(
    "parents", [[-1, 0, 1, 2, 3], [-1, 0, 0, 1, 1], [1, 2, -1, 2, 3]], ids=["chain", "tree", "mid"]
)
def test_messages_equal_enumeration(parents):
    prior = random_prior(parents)
    logs, codes = np.random.default_rng(1).normal(size=(4, 5, 3)), np.array([0, 1, 1, 0])
    messages = upward(prior, logs, codes)
    expected = downward(prior, messages, codes)
    totals, pairs = np.zeros_like(expected.totals), np.zeros_like(expected.pairs)
    for i, c in enumerate(codes):
        joint = enumerate_tree(prior, logs[i], c)
        assert messages.log_likelihood[i] == pytest.approx(np.log(joint.sum()), abs=1e-10)
        assert upward(prior, logs[i : i + 1], int(c)).log_likelihood[0] == pytest.approx(messages.log_likelihood[i])
        joint /= joint.sum()
        for t, parent in enumerate(parents):
            alone = joint.sum(axis=tuple(a for a in range(5) if a != t))
            np.testing.assert_allclose(expected.states[i, t], alone, atol=1e-12)
            totals[t, c] += alone
            if parent >= 0:
                both = joint.sum(axis=tuple(a for a in range(5) if a not in (t, parent)))
                pairs[t, c] += both.T if t < parent else both
    np.testing.assert_allclose(expected.totals, totals, atol=1e-12)
    np.testing.assert_allclose(expected.pairs, pairs, atol=1e-12)


def test_equal_rows_of_the_transition_matrix_make_time_points_independent():
    rng = np.random.default_rng(2)
    p = rng.random((2, 3))
    p /= p.sum(axis=1, keepdims=True)
    prior = Prior(range(7), list(range(-1, 6)), p, np.broadcast_to(p[:, None, :], (7, 2, 3, 3)))
    logs, codes = rng.normal(size=(5, 7, 3)), np.array([0, 1, 0, 1, 1])
    mixture = np.log((np.exp(logs) * p[codes][:, None, :]).sum(axis=2)).sum(axis=1)
    np.testing.assert_allclose(upward(prior, logs, codes).log_likelihood, mixture, atol=1e-12)


def test_long_and_unlikely_sequences_do_not_underflow():
    prior = random_prior(list(range(-1, 1999)))
    logs = 1e3 * np.random.default_rng(3).normal(size=(2, 2000, 3)) - 1e5
    messages = upward(prior, logs, 0)
    assert np.isfinite(messages.log_likelihood).all()
    assert np.isfinite(downward(prior, messages, np.zeros(2, dtype=int)).pairs).all()


def test_known_states_count_as_themselves():
    labels = np.array([[0, 0, 1], [1, 0, 1]])
    counts = hard_counts([-1, 0, 1], np.eye(2)[labels], np.array([0, 1]), 2)
    np.testing.assert_array_equal(counts.totals[0], [[1, 0], [0, 1]])
    np.testing.assert_array_equal(counts.pairs[1], [[[1, 0], [0, 0]], [[0, 0], [1, 0]]])


def test_classes_that_differ_in_their_transitions_alone_are_told_apart():
    signal, y = chains()
    samples = signals(ecg=signal)
    train, test = slice(0, 100), slice(100, 160)
    found = HiddenMarkov(states=2).fit(samples[train], y[train])
    assert (found.predict(samples[test]) == y[test]).mean() > 0.95
    stay = found.factors_["ecg"].prior_.tables[1, :, [0, 1], [0, 1]].T
    np.testing.assert_allclose(stay, [[STAY[0]] * 2, [STAY[1]] * 2], atol=0.06)
    pooled = Samples.from_arrays({"mean": signal.mean(axis=2), "spread": signal.std(axis=2)})
    for blind, data in (
        (HiddenMarkov(states=2, coupling=False), samples),
        (GaussianNaiveBayes(), samples),
        (ConcatLogistic(), pooled),
    ):
        assert (blind.fit(data[train], y[train]).predict(data[test]) == y[test]).mean() < 0.75


def test_states_in_much_noise_are_found_by_their_neighbours_and_the_order_tells_the_class():
    task = load_task("window", n=600, seed=2)
    half = np.arange(600) < 300

    def score(**settings):
        model = HiddenMarkov(**settings).fit(task.samples[half], task.y[half])
        return (model.predict(task.samples[~half]) == task.y[~half]).mean()

    assert score(states=2) > task.bayes["accuracy"] - 3 * np.sqrt(0.05 / 300) - 0.03
    assert score(states=2, coupling=False) < 0.62  # without an order only chance is left


def test_moving_means_by_hand():
    points = np.array([1.0, 3.0, np.nan, 5.0, 9.0])[None, :, None]
    np.testing.assert_allclose(moving_mean(points, 3)[0, :, 0], [2.0, 2.0, 4.0, 7.0, 7.0])
    np.testing.assert_allclose(moving_mean(points, 2)[0, :, 0], [1.0, 2.0, 3.0, 5.0, 7.0])
    assert np.isnan(moving_mean(np.full((1, 4, 1), np.nan), 2)).all()


def test_baum_welch_never_lowers_the_likelihood():
    signal, y = chains(60, 30)
    free = HiddenMarkov(states=3, strength=0.0, alpha=0.0, max_iter=40).fit(signals(ecg=signal), y)
    history = free.factors_["ecg"].history_
    # The priors' thousandth of a count may cost as much.
    assert (np.diff(history) > -0.1).all()
    assert history[-1] > history[0] + 1


def test_emissions_by_hand():
    emissions = Emissions(np.array([[0.0, 1.0]]), np.array([[1.0, 4.0]]))
    points = np.array([[[1.0, 3.0], [1.0, np.nan]]])
    alone = norm(0, 1).logpdf(1.0)
    np.testing.assert_allclose(emissions.log_density(points)[0, :, 0], [alone + norm(1, 2).logpdf(3.0), alone])
    # N = 2 points about m0 = 0 with weight 2: m = (1 + 1) / 4 in the first column.
    updated = emissions.updated(points, np.ones((1, 2, 1)), 2.0)
    assert updated.mean[0, 0] == pytest.approx(0.5)
    assert updated.variance[0, 0] == pytest.approx((2 * 0.25 + 2 * (0.25 + 1.0)) / 4)
    assert updated.mean[0, 1] == pytest.approx((3 + 2 * 1) / 3)


def test_clusters_are_found_without_chance_and_repeated_points_give_fewer():
    rng = np.random.default_rng(4)
    points = np.concatenate([rng.normal(size=(50, 2)) + shift for shift in ([0, 0], [9, 0], [0, 9])])
    emissions, labels = cluster(points, 3)
    assert [len(np.unique(labels[i : i + 50])) for i in (0, 50, 100)] == [1, 1, 1]
    order = rng.permutation(150)
    np.testing.assert_allclose(np.sort(cluster(points[order], 3)[0].mean, axis=0), np.sort(emissions.mean, axis=0))
    few, _ = cluster(np.repeat([[0.0], [1.0]], 20, axis=0), 5)
    assert few.mean.ravel().tolist() == [0.0, 1.0]
    assert (few.variance == FLOOR).all()


def test_signals_and_tables_multiply_and_what_is_missing_drops_out():
    signal, y = chains()
    rng = np.random.default_rng(5)
    other, table = signal[:, :, :20] + 0, rng.normal(size=(len(y), 2)) + y[:, None]
    parts = {"ecg": Modality("ecg", "signal", signal), "eeg": Modality("eeg", "signal", other)}
    parts["t"] = Modality("t", "table", table)
    model = HiddenMarkov().fit(Samples(parts.values()), y)
    joint = np.log(model.prior_) + sum(model.powers_[name] * model.factors_[name](part) for name, part in parts.items())
    expected = np.exp(joint - joint.max(axis=1, keepdims=True))
    proba = model.predict_proba(Samples(parts.values()))
    np.testing.assert_allclose(proba, expected / expected.sum(axis=1, keepdims=True), atol=1e-12)
    short = signal.copy()
    short[:, :, 30:] = np.nan
    factor = model.factors_["ecg"]
    cut = upward(
        Prior(range(30), list(range(-1, 29)), factor.prior_.start, factor.prior_.tables[:30]),
        factor.emissions_[1].log_density(factor.scaler_(signal[:, :, :30].transpose(0, 2, 1))),
        1,
    )
    np.testing.assert_allclose(factor(Modality("ecg", "signal", short))[:, 1], cut.log_likelihood, atol=1e-9)
    gone = Modality("ecg", "signal", signal, np.zeros(len(y), dtype=bool))
    np.testing.assert_array_equal(factor(gone), np.zeros((len(y), 2)))


def test_a_class_without_a_signal_has_the_common_model():
    signal, y = chains(60, 20)
    present = y == 0
    absent = Samples([Modality("ecg", "signal", signal, present), Modality("t", "table", np.ones((60, 1)))])
    model = HiddenMarkov(max_iter=0).fit(absent, y)
    proba = model.predict_proba(signals(ecg=signal, t=np.ones((60, 1))).select(["ecg", "t"]))
    assert np.isfinite(proba).all()


def test_a_fitted_model_holds_nothing_of_the_training_rows():
    signal, y = chains(120, 20)
    sizes = [len(pickle.dumps(HiddenMarkov(max_iter=2).fit(signals(ecg=signal[:n]), y[:n]))) for n in (40, 120)]
    assert sizes[1] < sizes[0] + 500


def test_tasks_without_a_signal_are_skipped_with_the_reason():
    table = Samples.from_arrays({"t": np.ones((4, 2))})
    task = Task(table, np.array([0, 1, 0, 1]), ("a", "b"), TaskCard(name="x", title="X"))
    assert HiddenMarkov.skip(task) == "needs a signal: it is a model of sequences"
