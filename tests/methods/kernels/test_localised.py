"""Localised multiple kernel learning: gates, their gradient, and a task whose two regions need two modalities."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusebench.datasets import Modality, Samples
from fusebench.methods.kernels import descent
from fusebench.methods.kernels.bank import KernelBank
from fusebench.methods.kernels.descent import DualObjective, make_penalty
from fusebench.methods.kernels.gates import GATE_FEATURES, GatedStack, GateFeatures, LocalMix, gates_open, softmax
from fusebench.methods.kernels.localised import KernelLocalised
from fusebench.methods.kernels.svm_dual import dual_columns
from fusebench.methods.kernels.uniform import KernelUniform

EVERY = np.arange(40)


def two_tables(gaps=False):
    rng = np.random.default_rng(0)
    present = rng.random((2, 40)) > (0.25 if gaps else 0.0)
    arrays = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    samples = Samples([Modality(n, "table", x, p) for n, x, p in zip("ab", arrays, present, strict=True)])
    bank = KernelBank("rbf 1").fit(samples)
    return samples, bank, {kernel.modality: (kernel.X, kernel.present) for kernel in bank.kernels_}


def gated(bank, sides, absent="neutral"):
    features = GateFeatures(bank, EVERY)
    return features, GatedStack(bank.stack(EVERY), features(sides), gates_open(bank, sides, 40, absent))


def test_gates_without_coefficients_give_the_mean_of_kernels_over_their_number():
    _, bank, sides = two_tables()
    features, stack = gated(bank, sides)
    expected = sum(kernel.training() for kernel in bank.kernels_) / 2**2
    np.testing.assert_allclose(stack(np.zeros(12))[0], expected, atol=1e-12)
    np.testing.assert_allclose(LocalMix(bank, features, np.zeros((2, 6))).training(), expected, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), absent=st.sampled_from(["neutral", "drop"]), size=st.sampled_from([0.1, 1.0, 30.0]))
def test_the_matrix_is_positive_semi_definite_and_gates_sum_to_one(seed, absent, size):
    samples, bank, sides = two_tables(gaps=True)
    features, stack = gated(bank, sides, absent)
    V = size * np.random.default_rng(seed).normal(size=(2, 6))
    mix = LocalMix(bank, features, V, absent)
    K = mix.training()
    assert np.linalg.eigvalsh(K).min() > -1e-9
    heard = np.ones(40) if absent == "neutral" else np.any([kernel.present for kernel in bank.kernels_], axis=0)
    np.testing.assert_allclose(mix.own.sum(axis=1), heard, atol=1e-12)
    # What is learnt on, what the machine sees, and what new rows get are one kernel.
    np.testing.assert_allclose(stack(V.ravel())[0], K, atol=1e-12)
    np.testing.assert_allclose(mix.cross(samples), K, atol=1e-12)
    np.testing.assert_allclose(mix.values(samples, np.array([5, 1])), K[:, [5, 1]], atol=1e-12)
    np.testing.assert_allclose(mix.columns(np.array([5, 1])), K[:, [5, 1]], atol=1e-12)


@pytest.mark.parametrize("absent", ["neutral", "drop"])
def test_gradient_is_the_finite_difference(monkeypatch, absent):
    monkeypatch.setattr(descent, "dual_columns", partial(dual_columns, tolerance=1e-10))
    _, bank, sides = two_tables(gaps=True)
    objective = DualObjective(gated(bank, sides, absent)[1], make_penalty("l2", 0.1), EVERY % 3, C=2.0)
    t = np.random.default_rng(1).normal(size=12)
    step = 1e-5
    slopes = [(objective(t + e)[0] - objective(t - e)[0]) / (2 * step) for e in step * np.eye(12)]
    np.testing.assert_allclose(slopes, objective(t)[1], atol=1e-5)


def test_softmax_by_hand():
    A = np.array([[0.0, np.log(3.0), 50.0], [1e4, -1e4, 0.0], [1.0, 2.0, 3.0]])
    open_ = np.array([[True, True, False], [True, True, True], [False, False, False]])
    np.testing.assert_allclose(softmax(A, open_), [[0.25, 0.75, 0], [1, 0, 0], [0, 0, 0]], atol=1e-12)


def test_gates_look_at_few_directions_of_wide_modalities_which_weigh_alike():
    rng = np.random.default_rng(2)
    samples = Samples.from_arrays({"wide": rng.normal(size=(60, 500)), "narrow": rng.normal(size=(60, 2))})
    bank = KernelBank("linear").fit(samples)
    sides = bank.read(samples)
    features = GateFeatures(bank, np.arange(60))(sides)
    assert features.shape == (60, GATE_FEATURES)
    assert np.mean(features**2) == pytest.approx(1.0)
    # 500 columns do not drown two: the directions of the narrow modality are among those looked at.
    fit = np.linalg.lstsq(features, sides["narrow"][0], rcond=None)[0]
    assert np.linalg.norm(sides["narrow"][0] - features @ fit) < 0.1 * np.linalg.norm(sides["narrow"][0])


def two_regions(seed=0, n=600):
    """Where ``place`` is on, the sign of "a" tells the class; elsewhere that of "b". Each is noise elsewhere."""
    rng = np.random.default_rng(seed)
    on, y = rng.integers(0, 2, (2, n))
    a, b = rng.normal(size=(2, n, 2))
    a[:, 0] += 4.0 * (y - 0.5) * on
    b[:, 0] += 4.0 * (y - 0.5) * (1 - on)
    place = 6.0 * (on - 0.5)[:, None] + rng.normal(size=(n, 1))
    return Samples.from_arrays({"a": a, "b": b, "place": place}), y, on


def test_each_region_picks_the_modality_that_tells_its_classes():
    samples, y, on = two_regions()
    method = KernelLocalised(kernels="linear").fit(samples[:300], y[:300])
    gates = method.mixes_[0].own
    a, b = gates[:, 0], gates[:, 1]
    inside = on[:300] == 1
    assert a[inside].mean() > 2 * a[~inside].mean()
    assert b[~inside].mean() > 2 * b[inside].mean()
    assert (a > b)[inside].mean() > 0.95
    assert (b > a)[~inside].mean() > 0.95


def test_it_beats_uniform_weights_where_regions_differ():
    """With one linear function a modality nothing but gates can listen to one modality here and another there."""
    samples, y, _ = two_regions(seed=1)
    found = {}
    for method in (KernelLocalised(kernels="linear"), KernelUniform(kernels="linear")):
        proba = method.fit(samples[:300], y[:300]).predict_proba(samples[300:])
        found[type(method)] = (proba.argmax(axis=1) == y[300:]).mean()
    assert found[KernelLocalised] > found[KernelUniform] + 0.02
    assert found[KernelLocalised] > 0.9
