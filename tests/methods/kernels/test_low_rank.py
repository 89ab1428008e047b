"""Above a stated number of rows the machine is low-rank: it agrees with the full one, and forms no n x n matrix."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from sklearn.svm import SVC

from fusebench.datasets import Samples
from fusebench.methods.kernels import machine
from fusebench.methods.kernels.bank import KernelBank
from fusebench.methods.kernels.base_kernel import BaseKernel
from fusebench.methods.kernels.mix import LinearMix
from fusebench.methods.kernels.mklaren import KernelMklaren
from fusebench.methods.kernels.nystroem import NystroemSVM
from fusebench.methods.kernels.squared_hinge import squared_hinge


def rings(n, k=2, seed=0):
    """A class is a ring in the two modalities' four columns; a shift in the second tells a third class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    angle = rng.uniform(0, 2 * np.pi, n)
    a = np.column_stack([np.cos(angle), np.sin(angle)]) * np.where(y == 1, 2.5, 1.0)[:, None]
    b = rng.normal(size=(n, 2)) + 2.5 * (y == 2)[:, None]
    return Samples.from_arrays({"a": a + 0.5 * rng.normal(size=(n, 2)), "b": b}), y


def test_squared_hinge_is_the_hard_margin_machine_on_a_lifted_kernel():
    """|w|^2 / 2 + C sum slack^2 is a hard margin with K + I / (2C) (Cristianini and Shawe-Taylor 2000)."""
    rng = np.random.default_rng(0)
    Z, C = rng.normal(size=(120, 6)), 0.7
    y = np.where(Z[:, 0] + rng.normal(size=120) > 0, 1.0, -1.0)
    w, b = squared_hinge(Z, y[:, None], C)
    oracle = SVC(C=1e8, kernel="precomputed", tol=1e-10).fit(Z @ Z.T + np.eye(120) / (2 * C), y)
    np.testing.assert_allclose(w[:, 0], oracle.dual_coef_[0] @ Z[oracle.support_], atol=1e-5)
    assert b[0] == pytest.approx(oracle.intercept_[0], abs=1e-5)


def test_squared_hinge_has_no_slope_at_its_solution_for_many_rows_and_columns():
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(3000, 5))
    signs = np.where(Z[:, :3] + rng.normal(size=(3000, 3)) > 0.5, 1.0, -1.0)
    W, b = squared_hinge(Z, signs, 2.0)
    slack = np.maximum(1 - signs * (Z @ W + b), 0) * signs
    np.testing.assert_allclose(W - 2 * 2.0 * Z.T @ slack, 0.0, atol=1e-3 * len(Z))
    np.testing.assert_allclose(slack.sum(axis=0), 0.0, atol=1e-3 * len(Z))


@pytest.mark.parametrize("k", [2, 3])
def test_with_every_row_a_landmark_nothing_is_lost(k):
    """The features' inner products are the mix itself."""
    samples, y = rings(80, k)
    mix = LinearMix(KernelBank("rbf 1").fit(samples), np.array([0.4, 0.6]))
    model = NystroemSVM(1.0, np.arange(80), "platt", 3, 0).fit([mix], y, samples.groups)
    features = mix.columns(np.arange(80)) @ model.roots_[0]
    np.testing.assert_allclose(features @ features.T, mix.training(), atol=1e-6)


@pytest.mark.parametrize("k", [2, 3])
def test_it_agrees_with_the_full_machine(svm_method, k, monkeypatch):
    samples, y = rings(600, k)
    new, truth = rings(600, k, seed=1)
    full = svm_method().fit(samples, y)
    monkeypatch.setattr(machine, "FULL_ROWS", 200)
    low = svm_method().fit(samples, y)
    assert any(note.startswith("low rank: ") for note in low.notes_)
    assert not any(note.startswith("low rank: ") for note in full.notes_)
    one, other = full.predict_proba(new), low.predict_proba(new)
    assert (one.argmax(axis=1) == other.argmax(axis=1)).mean() > 0.95
    assert np.abs(one - other).mean() < 0.05
    assert (other.argmax(axis=1) == truth).mean() > (one.argmax(axis=1) == truth).mean() - 0.02
    for name in samples.names:
        assert low.modality_weights_[name] == pytest.approx(full.modality_weights_[name], abs=0.1)


@pytest.mark.parametrize("k", [2, 3])
def test_no_matrix_of_all_rows_is_formed(kernel_method, k, monkeypatch):
    """Nothing is asked for it, and memory at its highest is far below its size."""

    def refuse(*args):
        raise AssertionError("the n x n matrix was asked for")

    for name in ("training", "cross"):
        monkeypatch.setattr(BaseKernel, name, refuse)
    monkeypatch.setattr(machine, "FULL_ROWS", 1000)
    monkeypatch.setattr(machine, "LANDMARKS", 50)
    monkeypatch.setattr("fusebench.methods.kernels.mix.CHUNK", 500)
    names, light = kernel_method._get_param_names(), {"weight_rows": 100, "rank": 20}
    n = 3000
    samples, y = rings(n, k)
    KernelMklaren.warm_up()
    tracemalloc.start()
    try:
        method = kernel_method(**{name: value for name, value in light.items() if name in names})
        proba = method.fit(samples, y).predict_proba(samples)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * 8 * n**2
    assert (proba.argmax(axis=1) == y).mean() > 0.7
