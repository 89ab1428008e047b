"""Mklaren: the repaired import, the package as oracle, and what the paper promises."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.kernels import mklaren_package
from fusebench.methods.kernels.bank import KernelBank
from fusebench.methods.kernels.mklaren_package import load

pytest.importorskip("cvxopt")  # comes with mklaren, which itself cannot be imported as it is

from fusebench.methods.kernels.mklaren import KernelMklaren, Ridge
from fusebench.methods.kernels.pivots import Columns, PivotMap, _fast_mklaren, _interface, choose_pivots

# --- loading ---


def forget():
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "mklaren"}
    for name in kept:
        del sys.modules[name]
    return kept


@pytest.fixture
def fresh():
    """No module of mklaren is loaded; what was loaded comes back afterwards."""
    kept = forget()
    yield
    forget()
    sys.modules.update(kept)


def test_load_leaves_the_import_system_as_it_was(fresh):
    before = list(sys.meta_path)
    module = load("mklaren.mkl.mklaren")
    assert sys.meta_path == before
    assert module.Mklaren.__module__ == "mklaren.mkl.mklaren"
    assert load("mklaren.mkl.mklaren") is module
    import collections

    assert not hasattr(collections, "xrange")


def test_load_replaces_modules_that_were_imported_as_they_are(fresh):
    import mklaren.kernel.kinterface as plain

    repaired = load("mklaren.kernel.kinterface")
    assert repaired is not plain
    K = repaired.Kinterface(np.eye(3), lambda x, y: x @ y.T)
    np.testing.assert_array_equal(K.diag(), [1, 1, 1])  # its xrange is the repair's


def test_load_from_many_threads(fresh):
    found, start = [], threading.Barrier(8)

    def work():
        start.wait()
        found.append(load("mklaren.mkl.alignf"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1
    assert mklaren_package._Finder not in sys.meta_path


def test_without_the_package_the_cure_is_told(fresh, monkeypatch):
    monkeypatch.setattr(mklaren_package._Finder, "find_spec", staticmethod(lambda name, path=None, target=None: None))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])
    with pytest.raises(ImportError, match=r'pip install "fusebench\[kernels\]"'):
        load("mklaren.mkl.alignf")


# --- Mklaren ---


def planted(seed=0, n=90):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    arrays = {"signal": rng.normal(size=(n, 3)) + 1.5 * y[:, None], "noise": rng.normal(size=(n, 3))}
    samples = Samples.from_arrays(arrays)
    return samples, y, KernelBank(("rbf 0.7", "rbf 1.5", "linear")).fit(samples)


@pytest.mark.parametrize("ridge", [0.01, 1.0])
def test_the_vectorised_steps_give_the_package_s_own_numbers(ridge):
    _, y, bank = planted()
    target = (y == 1).astype(float)
    matrices = [kernel.training() for kernel in bank.kernels_]
    package = load("mklaren.mkl.mklaren").Mklaren(rank=12, lbd=ridge, delta=5)
    package.fit(matrices, target)
    fast = _fast_mklaren()(rank=12, lbd=ridge, delta=5)
    fast.fit([_interface()(Columns(kernel)) for kernel in bank.kernels_], target)
    np.testing.assert_array_equal(fast.G_mask, package.G_mask)
    assert [fast.data[k]["act"] for k in fast.data] == [package.data[k]["act"] for k in package.data]
    np.testing.assert_allclose(fast.G, package.G, atol=1e-8)
    np.testing.assert_allclose(fast.y_pred, package.y_pred, atol=1e-8)
    pivots = choose_pivots([Columns(kernel) for kernel in bank.kernels_], target, 12, ridge, 5)
    order = {kernel: iter(data["act"]) for kernel, data in package.data.items()}
    assert pivots == [(int(kernel), next(order[int(kernel)])) for kernel in package.G_mask]


def test_pivots_are_distinct_few_and_the_first_is_of_the_signal():
    _, y, bank = planted(n=200)
    pivots = choose_pivots([Columns(k) for k in bank.kernels_], (y == 1).astype(float), rank=10, ridge=0.01, ahead=5)
    assert 1 <= len(pivots) <= 10
    assert len(set(pivots)) == len(pivots)
    assert bank.kernels_[pivots[0][0]].modality == "signal"


def test_noise_kernels_receive_few_columns():
    """Two of three kernels are noise; the target is drawn in the space of the third, which many columns span.

    (Where one column explains all that can be explained, the next ones are as good in any kernel.)
    """
    owners = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        bank = KernelBank("rbf 1").fit(Samples.from_arrays({name: rng.normal(size=(200, 3)) for name in "abc"}))
        target = bank.kernels_[1].training() @ rng.normal(size=200)
        pivots = choose_pivots([Columns(k) for k in bank.kernels_], target / target.std(), 12, 0.01, 8)
        owners += [kernel for kernel, _ in pivots]
    assert len(owners) == 48
    assert owners.count(1) > 0.85 * 48


@pytest.mark.parametrize("columns", [1, 3])
def test_when_there_is_no_further_direction_what_was_picked_by_then_is_kept(columns):
    """Linear kernels have as many directions as columns."""
    rng = np.random.default_rng(1)
    y = np.arange(60) % 2
    samples = Samples.from_arrays({"a": rng.normal(size=(60, columns)) + 2 * y[:, None]})
    method = KernelMklaren(rank=20, kernels="linear").fit(samples, y)
    assert len(method.model_.coef_) == columns
    assert (method.predict(samples) == y).mean() > 0.8
    assert f"kept {columns} of at most 20 columns" in method.notes_


def test_kernels_that_offer_nothing_leave_the_class_frequencies():
    samples = Samples.from_arrays({"a": np.ones((20, 2))})
    y = np.array([0, 1, 1, 1] * 5)
    method = KernelMklaren().fit(samples, y)
    assert method.model_.coef_.shape == (0, 2)
    np.testing.assert_allclose(method.predict_proba(samples), [[0.25, 0.75]] * 20, atol=0.02)


def test_residual_never_grows_with_rank():
    """Of the final regression; the package's own path, which guides the choice of columns, goes up and down."""
    samples, y, bank = planted()
    pivots = choose_pivots([Columns(k) for k in bank.kernels_], (y == 1).astype(float), rank=15, ridge=0.01, ahead=5)
    hot = np.eye(2)[y]
    errors = []
    for rank in range(1, len(pivots) + 1):
        features = PivotMap(bank.kernels_, pivots[:rank]).training(len(samples))
        assert features.shape[1] <= rank
        errors.append(np.linalg.norm(hot - Ridge(1e-9).fit(features, y)(features)))
    assert (np.diff(errors) <= 1e-6).all()
    assert errors[-1] < 0.9 * errors[0]


def test_features_reproduce_each_kernel_at_its_pivots_and_new_rows_follow():
    samples, _, bank = planted()
    pivots = [(0, 3), (4, 8), (0, 20), (4, 1)]
    feature_map = PivotMap(bank.kernels_, pivots)
    features = feature_map.training(len(samples))
    assert features.shape == (90, 4)
    for index, rows in ((0, [3, 20]), (4, [8, 1])):
        part = features[:, feature_map.owner == index]
        np.testing.assert_allclose(part @ part[rows].T, bank.kernels_[index].training()[:, rows], atol=1e-8)
    np.testing.assert_allclose(feature_map.new(bank, samples[10:20]), features[10:20], atol=1e-10)


def test_with_all_rows_as_pivots_it_is_kernel_ridge_on_the_sum_of_kernels():
    _, y, bank = planted(n=30)
    some = bank.kernels_[:2]
    feature_map = PivotMap(some, [(k, i) for k in range(2) for i in range(30)])
    got = Ridge(0.1).fit(feature_map.training(30), y)(feature_map.training(30))
    K = sum(kernel.training() for kernel in some)
    hot = np.eye(2)[y]
    dual = K @ np.linalg.solve(K + 0.1 * 30 * np.eye(30), hot - hot.mean(axis=0)) + hot.mean(axis=0)
    np.testing.assert_allclose(got, dual, atol=1e-6)


@pytest.mark.parametrize(("k", "rank"), [(2, 17), (5, 17), (5, 6), (3, 1)])
def test_total_rank_is_kept_over_kernels_and_classes(k, rank):
    """Down to one column a class, which the package itself cannot give."""
    rng = np.random.default_rng(k)
    y = np.arange(150) % k
    samples = Samples.from_arrays({m: rng.normal(size=(150, 3)) + y[:, None] for m in "abc"})
    method = KernelMklaren(rank=rank).fit(samples, y)
    assert min(rank, k) <= len(method.model_.coef_) <= rank


def test_it_never_asks_for_a_whole_kernel_matrix(monkeypatch):
    samples, y, _ = planted(n=150)

    def refuse(*args):
        raise AssertionError("the n x n matrix was formed")

    monkeypatch.setattr("fusebench.methods.kernels.base_kernel.BaseKernel.training", refuse)
    monkeypatch.setattr("fusebench.methods.kernels.base_kernel.BaseKernel.cross", refuse)
    method = KernelMklaren(rank=10).fit(samples, y)
    assert method.predict_proba(samples).shape == (150, 2)
