"""Generalised multiple kernel learning: gradients, the product as one Gaussian, and the sum as SimpleMKL."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from fusebench.datasets import Modality, Samples
from fusebench.methods.kernels import descent
from fusebench.methods.kernels.bank import KernelBank
from fusebench.methods.kernels.descent import DualObjective, make_penalty
from fusebench.methods.kernels.gmkl_product import KernelGmklProduct
from fusebench.methods.kernels.gmkl_sum import KernelGmklSum, summed
from fusebench.methods.kernels.level import level_weights
from fusebench.methods.kernels.product_mix import ProductMix
from fusebench.methods.kernels.product_scales import FEATURE_COLUMNS, ProductScales
from fusebench.methods.kernels.svm_dual import MixDual, dual_columns


@pytest.fixture
def exact(monkeypatch):
    """Machines are solved to many digits, so that differences of objectives can be seen."""
    monkeypatch.setattr(descent, "dual_columns", partial(dual_columns, tolerance=1e-10))


def slopes(function, t, step=1e-5):
    return [(function(t + e) - function(t - e)) / (2 * step) for e in step * np.eye(len(t))]


def two_tables(n=45, gaps=False):
    rng = np.random.default_rng(0)
    present = rng.random((2, n)) > (0.25 if gaps else 0.0)
    codes = np.arange(n) % 3
    a, b = rng.normal(size=(n, 3)) + 0.6 * codes[:, None], rng.normal(size=(n, 2))
    return Samples([Modality("a", "table", a, present[0]), Modality("b", "table", b, present[1])]), codes


# --- the objective ---


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_gradient_of_the_sum_is_the_finite_difference(graded, exact, norm):
    stack, codes = graded(k=3)
    objective = DualObjective(summed(stack), make_penalty(norm, 0.2), codes, C=1.5)
    d = np.array([0.1, 0.5, 0.0001, 0.9])
    np.testing.assert_allclose(slopes(lambda t: objective(t)[0], d), objective(d)[1], atol=1e-5)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("absent", ["neutral", "drop"])
@pytest.mark.parametrize("level", ["modality", "feature"])
def test_gradient_of_the_product_is_the_finite_difference(exact, level, absent, gaps):
    samples, codes = two_tables(gaps=gaps)
    scales = ProductScales(KernelBank("rbf 1").fit(samples), np.arange(45), level, absent)
    assert scales.size == (2 if level == "modality" else 5)
    objective = DualObjective(scales, make_penalty("l1", 0.1), codes, C=2.0)
    d = np.linspace(0.2, 1.0, scales.size)
    np.testing.assert_allclose(slopes(lambda t: objective(t)[0], d), objective(d)[1], atol=1e-5)


def test_penalties_are_told_in_units_of_the_machine_without_a_kernel(graded):
    """So J / unit is 1 there, whatever C, rows and class sizes are; and with "l1" no sum of weights beyond 1 / penalty
    can pay."""
    stack, _ = graded(n=30)
    codes = np.repeat([0, 1, 2], [16, 10, 4])
    for C in (0.1, 10.0):
        objective = DualObjective(summed(stack), make_penalty("l1", 0.25), codes, C)
        assert objective(np.zeros(4))[0] == pytest.approx(1.0)
        assert objective.minimise(np.full(4, 5.0), 50, lower=0.0).sum() <= 4.0


def test_minimise_descends_and_keeps_the_bound(graded):
    stack, codes = graded(k=3)
    objective = DualObjective(summed(stack), make_penalty("l1", 0.5), codes, C=1.0)
    start = np.full(4, 0.25)
    found = objective.minimise(start, 30, lower=0.0)
    assert found.min() >= 0
    assert objective(found)[0] < objective(start)[0]


def test_penalties_by_hand():
    t = np.array([1.0, 3.0])
    value, slope = make_penalty("l1", 0.5)(t)
    assert value == 2.0
    np.testing.assert_array_equal(slope, [0.5, 0.5])
    value, slope = make_penalty("l2", 0.5)(t)
    assert value == 2.5
    np.testing.assert_array_equal(slope, [0.5, 1.5])
    with pytest.raises(ValueError, match=r"norm 'l3': use 'l1' or 'l2'"):
        make_penalty("l3", 0.5)


# --- the sum ---


@pytest.mark.parametrize("k", [2, 3])
def test_the_sum_with_an_l1_penalty_has_simplemkl_s_weights_up_to_scale(graded, exact, monkeypatch, k):
    """For weights of sum t it is SimpleMKL at t C: J_C(t e) = J_tC(e) / t."""
    monkeypatch.setattr(descent, "_CLOSE", 1e-12)
    stack, codes = graded(seed=3, k=k)
    objective = DualObjective(summed(stack), make_penalty("l1", 0.05), codes, C=1.0)
    d = objective.minimise(np.full(4, 0.25), 500, lower=0.0)
    total = d.sum()
    assert abs(total - 1.0) > 0.1
    simple, _ = level_weights(MixDual(stack, codes, total, tolerance=1e-10), 1e-7, 500)
    np.testing.assert_allclose(d / total, simple, atol=0.01)
    assert np.ptp(simple) > 0.2


def test_a_penalty_that_leaves_no_kernel_is_told():
    rng = np.random.default_rng(1)
    y = np.arange(60) % 2
    method = KernelGmklSum(norm="l1", penalty=100.0).fit(Samples.from_arrays({"a": rng.normal(size=(60, 2))}), y)
    assert "the penalty leaves no kernel: uniform weights" in method.notes_
    assert np.ptp(method.weights_) == 0


# --- the product ---


def test_the_product_of_gaussians_is_the_gaussian_of_automatic_relevance_determination():
    samples, _ = two_tables()
    bank = KernelBank("rbf 1").fit(samples)
    scales = {"a": np.array([0.3, 0.0, 1.1]), "b": np.array([0.7, 0.2])}
    mix = ProductMix(bank, scales)
    Z = np.hstack([kernel.X for kernel in bank.kernels_])
    g = np.concatenate([scales["a"], scales["b"]])
    ard = np.exp(-(g * (Z[:, None] - Z) ** 2).sum(axis=2))
    np.testing.assert_allclose(mix.training(), ard, atol=1e-12)
    by_column = [np.exp(-s * (z[:, None] - z) ** 2) for s, z in zip(g, Z.T, strict=True)]
    np.testing.assert_allclose(mix.training(), np.prod(by_column, axis=0), atol=1e-12)


def test_with_equal_scales_both_levels_are_one_kernel():
    samples, _ = two_tables(gaps=True)
    bank = KernelBank("rbf 1").fit(samples)
    whole, single = (ProductScales(bank, np.arange(45), level, "neutral") for level in ("modality", "feature"))
    d = np.array([0.4, 1.3])
    np.testing.assert_allclose(whole(d)[0], single(np.repeat(d, [3, 2]))[0], atol=1e-12)
    for name, strength in whole.strengths(d).items():
        assert single.strengths(np.repeat(d, [3, 2]))[name] == pytest.approx(strength)


@pytest.mark.parametrize("absent", ["neutral", "drop"])
@pytest.mark.parametrize("level", ["modality", "feature"])
def test_the_mix_is_what_its_scales_were_learnt_on(level, absent):
    samples, _ = two_tables(gaps=True)
    bank = KernelBank("rbf 1").fit(samples)
    scales = ProductScales(bank, np.arange(45), level, absent)
    d = np.linspace(0.2, 1.0, scales.size)
    mix = ProductMix(bank, scales.columns(d), absent)
    K = mix.training()
    np.testing.assert_allclose(K, scales(d)[0], atol=1e-12)
    np.testing.assert_allclose(mix.cross(samples), K, atol=1e-12)
    np.testing.assert_allclose(mix.columns(np.array([7, 2])), K[:, [7, 2]], atol=1e-12)
    np.testing.assert_allclose(mix.values(samples, np.array([7, 2])), K[:, [7, 2]], atol=1e-12)


def test_scales_of_single_columns_find_the_one_that_counts():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 4))
    y = (X[:, 2] > 0).astype(int)
    method = KernelGmklProduct(level="feature").fit(Samples.from_arrays({"a": X, "b": rng.normal(size=(200, 2))}), y)
    scales = method.mixes_[0].scales["a"]
    assert scales[2] > 5 * np.delete(scales, 2).max()
    assert method.modality_weights_["a"] > 0.8


def test_a_wide_modality_has_one_scale_at_the_level_of_features():
    rng = np.random.default_rng(3)
    samples = Samples.from_arrays(
        {"wide": rng.normal(size=(20, FEATURE_COLUMNS + 1)), "full": rng.normal(size=(20, FEATURE_COLUMNS))}
    )
    scales = ProductScales(KernelBank("rbf 1").fit(samples), np.arange(20), "feature", "neutral")
    assert scales.size == 1 + FEATURE_COLUMNS
    with pytest.raises(ValueError, match=r"level 'cell': use 'modality' or 'feature'"):
        ProductScales(KernelBank("rbf 1").fit(samples), np.arange(20), "cell", "neutral")
