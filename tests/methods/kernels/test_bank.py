"""Base kernels and the machine on their uniform mix, against the formulas and explicit feature maps."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Modality, Samples
from fusebench.methods.kernels import taught
from fusebench.methods.kernels.align import KernelAlign
from fusebench.methods.kernels.bank import KERNELS, POOLED, KernelBank, parse_form, pooled
from fusebench.methods.kernels.base_kernel import SCALE_ROWS, BaseKernel, Form, drawn, median_distance
from fusebench.methods.kernels.mix import LinearMix
from fusebench.methods.kernels.uniform import KernelUniform


def table(rng, n=40, d=3):
    return rng.normal(size=(n, d))


def rbf(A, B, gamma):
    return np.exp(-gamma * ((A[:, None] - B) ** 2).sum(axis=2))


def kernel_of(X, gamma, present=None):
    present = np.ones(len(X), dtype=bool) if present is None else present
    return BaseKernel("m", "k", Form(gamma), X, present, np.flatnonzero(present))


@pytest.mark.parametrize("gamma", [None, 0.4])
def test_training_kernel_is_centred_by_the_usual_formula_and_has_unit_variance(gamma):
    X = table(np.random.default_rng(0))
    K = X @ X.T if gamma is None else rbf(X, X, gamma)
    H = np.eye(40) - 1 / 40
    centred = H @ K @ H
    got = kernel_of(X, gamma).training()
    np.testing.assert_allclose(got, centred / np.trace(centred) * 40, atol=1e-12)
    assert got.diagonal().mean() == pytest.approx(1.0)


@pytest.mark.parametrize("gamma", [None, 0.4])
def test_new_rows_are_centred_with_training_statistics(gamma):
    """The value of a new row is that of the explicit feature map minus the training mean, in any company."""
    rng = np.random.default_rng(1)
    X, A = table(rng), table(rng, 7) + 2.0
    kernel = kernel_of(X, gamma)
    kernel.training()
    all_new = kernel.cross(A, np.ones(7, dtype=bool))
    one_by_one = np.vstack([kernel.cross(A[[i]], np.ones(1, dtype=bool)) for i in range(7)])
    np.testing.assert_allclose(all_new, one_by_one, atol=1e-12)
    raw = A @ X.T if gamma is None else rbf(A, X, gamma)
    K = X @ X.T if gamma is None else rbf(X, X, gamma)
    expected = raw - raw.mean(axis=1, keepdims=True) - K.mean(axis=0) + K.mean()
    np.testing.assert_allclose(all_new * kernel.scale, expected, atol=1e-12)
    # A training row seen as new has its own row of the training matrix.
    np.testing.assert_allclose(kernel.cross(X[:5], np.ones(5, dtype=bool)), kernel.training()[:5], atol=1e-12)


def test_columns_values_and_diagonal_are_parts_of_the_matrix():
    rng = np.random.default_rng(2)
    X, present = table(rng), np.arange(40) % 5 != 0
    kernel = kernel_of(X, 0.3, present)
    rows = np.array([3, 5, 1])
    K = kernel.training()
    np.testing.assert_allclose(kernel.columns(rows), K[:, rows], atol=1e-12)
    np.testing.assert_allclose(kernel.values(X, present, rows), K[:, rows], atol=1e-12)
    np.testing.assert_allclose(kernel.diagonal(), K.diagonal(), atol=1e-12)


def test_a_row_without_the_modality_stands_at_the_centre():
    rng = np.random.default_rng(3)
    X, present = table(rng), np.arange(40) % 4 != 0
    kernel = kernel_of(X, 0.3, present)
    K = kernel.training()
    assert not K[~present].any()
    assert not K[:, ~present].any()
    np.testing.assert_allclose(K[present].sum(axis=0), 0.0, atol=1e-10)
    assert np.linalg.eigvalsh(K).min() > -1e-10
    # What fills the absent rows of the block does not matter.
    filled = X.copy()
    filled[~present] = 99.0
    np.testing.assert_allclose(kernel_of(filled, 0.3, present).training(), K, atol=1e-12)


def test_among_is_centred_over_exactly_the_rows_asked_for():
    rng = np.random.default_rng(4)
    X, present = table(rng), np.arange(40) % 4 != 0
    rows = np.arange(0, 40, 3)
    K = kernel_of(X, 0.3, present).among(rows)
    np.testing.assert_allclose(K.sum(axis=0), 0.0, atol=1e-10)
    assert not K[~present[rows]].any()


def test_a_constant_block_gives_a_zero_kernel():
    for gamma in (None, 0.5):
        assert not np.abs(kernel_of(np.full((10, 2), 3.3), gamma).training()).max() > 1e-9


def test_median_distance_by_hand():
    assert median_distance(np.array([[0.0], [1.0], [4.0]])) == 3.0
    assert median_distance(np.zeros((5, 2))) == 1.0


@pytest.mark.parametrize("references", [None, 500])
def test_scale_and_centre_do_not_depend_on_the_order_of_the_rows(references):
    """Classes that take turns, such as every third row, must not all fall beside the rows that are looked at."""
    rng = np.random.default_rng(10)
    n = 3 * SCALE_ROWS // 2
    y = np.arange(n) % 3
    bank = KernelBank("linear", references).fit(Samples.from_arrays({"a": table(rng, n) + 8.0 * (y == 2)[:, None]}))
    (kernel,) = bank.kernels_
    assert kernel.diagonal().mean() == pytest.approx(1.0, rel=0.1)
    assert abs(kernel.columns(np.arange(n)).mean()) < 0.01


def test_drawn_rows_are_distinct_in_order_and_the_same_every_time():
    rows = np.arange(100) * 3
    some = drawn(rows, 40)
    assert len(some) == 40
    assert (np.diff(some) > 0).all()
    assert np.isin(some, rows).all()
    np.testing.assert_array_equal(drawn(rows, 40), some)
    assert drawn(rows, 100) is rows


def test_forms_by_hand():
    A, B = np.array([[1.0, 2.0]]), np.array([[3.0, -1.0]])
    assert parse_form("linear", 2.0, 5.0)(A, B)[0, 0] == 1.0
    assert parse_form("poly 2", 2.0, 5.0)(A, B)[0, 0] == pytest.approx((1 + 1 / 5) ** 2)
    assert parse_form("rbf 0.5", 2.0, 5.0)(A, B)[0, 0] == pytest.approx(np.exp(-13 / (2 * 1.0**2)))
    for form in ("linear", "poly 3", "rbf 2"):
        made = parse_form(form, 2.0, 5.0)
        np.testing.assert_allclose(made.diagonal(A), made(A, A).diagonal())


@pytest.mark.parametrize("label", ["cubic", "rbf wide", "rbf 0", "poly 1.5", "linear 2"])
def test_what_is_no_kernel_is_named(label):
    with pytest.raises(ValueError, match=rf"kernel '{label}': use 'linear', .* few, three, ladder"):
        KernelBank(label).fit(Samples.from_arrays({"a": table(np.random.default_rng(0))}))


def test_sets_of_kernels_are_there_for_every_modality():
    samples = Samples.from_arrays({"a": table(np.random.default_rng(6)), "b": table(np.random.default_rng(7))})
    bank = KernelBank("ladder").fit(samples)
    assert [(k.modality, k.label) for k in bank.kernels_] == [(m, form) for m in "ab" for form in KERNELS["ladder"]]


def test_pooling_averages_neighbours_by_hand():
    image = np.arange(16.0 * 16).reshape(1, 16, 16)
    got = pooled(image.reshape(1, -1), (16, 16))
    assert got.shape == (1, POOLED)
    np.testing.assert_allclose(got[0, 0], image[0, :2, :2].mean())
    np.testing.assert_allclose(got[0, 63], image[0, 14:, 14:].mean())
    np.testing.assert_array_equal(pooled(np.arange(6.0)[None], (2, 3)), np.arange(6.0)[None])  # already few
    odd = np.arange(131.0)[None]
    np.testing.assert_allclose(pooled(odd, (131,)).shape[1], 33)
    assert pooled(odd, (131,)).min() >= 0


def test_pooled_images_find_what_is_spread_over_neighbours():
    rng = np.random.default_rng(11)
    y = np.arange(80) % 2
    values = rng.normal(size=(80, 1, 24, 24))
    values[:, :, :12] += 0.25 * y[:, None, None, None]
    samples = Samples([Modality("scan", "image", values), Modality("t", "table", table(rng, 80))])
    bank = KernelBank("rbf 1", images="pooled").fit(samples)
    assert bank.kernels_[0].X.shape[1] <= POOLED
    assert bank.kernels_[1].X.shape[1] == 3
    found = KernelUniform(images="pooled").fit(samples[:40], y[:40]).predict(samples[40:])
    assert (found == y[40:]).mean() > 0.85


def test_very_many_kernels_learn_their_weights_from_fewer_rows(monkeypatch):
    rng = np.random.default_rng(12)
    y = np.arange(200) % 2
    samples = Samples.from_arrays({name: table(rng, 200) for name in "abcde"})
    monkeypatch.setattr(taught, "STACK_BYTES", 8 * 20 * 50**2)  # five modalities, four kernels each
    method = KernelAlign().fit(samples, y)
    assert "weights learnt from 50 of 200 training rows" in method.notes_


def test_sum_of_linear_kernels_is_the_kernel_of_the_concatenation():
    rng = np.random.default_rng(5)
    a, b = table(rng, d=3), table(rng, d=4)
    bank = KernelBank("linear").fit(Samples.from_arrays({"a": a, "b": b}))
    # Weights that undo the scaling to unit variance
    mixed = LinearMix(bank, np.array([kernel.scale for kernel in bank.kernels_])).training()
    Z = np.hstack([(x - x.mean(axis=0)) / x.std(axis=0) for x in (a, b)])
    np.testing.assert_allclose(mixed, Z @ Z.T, atol=1e-9)


def test_kernels_without_weight_are_not_computed():
    samples = Samples.from_arrays({"a": table(np.random.default_rng(6)), "b": table(np.random.default_rng(7))})
    bank = KernelBank("rbf 1").fit(samples)
    alone = bank.kernels_[1].training()
    bank.kernels_[0].X = None
    mix = LinearMix(bank, np.array([0.0, 1.0]))
    np.testing.assert_array_equal(mix.training(), alone)
    np.testing.assert_allclose(mix.columns(np.array([3, 1])), alone[:, [3, 1]], atol=1e-12)


def test_uniform_gives_equal_weights_and_ignores_units():
    rng = np.random.default_rng(8)
    y = rng.integers(0, 2, 80)
    a, b = table(rng, 80) + y[:, None], table(rng, 80, 5)
    one = KernelUniform().fit(Samples.from_arrays({"a": a, "b": b}), y)
    other_units = Samples.from_arrays({"a": 1000 * a + 7, "b": b})
    two = KernelUniform().fit(other_units, y)
    assert one.modality_weights_ == {"a": 0.5, "b": 0.5}
    np.testing.assert_allclose(
        one.predict_proba(Samples.from_arrays({"a": a, "b": b})), two.predict_proba(other_units), atol=1e-6
    )


def test_new_rows_do_not_change_the_model_and_an_absent_modality_leaves_its_neighbours_alone():
    rng = np.random.default_rng(9)
    y = rng.integers(0, 2, 60)
    a, b = table(rng, 60) + y[:, None], table(rng, 60) + y[:, None]
    present = np.arange(60) != 50
    samples = Samples([Modality("a", "table", a), Modality("b", "table", b, present)])
    complete = Samples.from_arrays({"a": a, "b": b})
    method = KernelUniform().fit(complete[:40], y[:40])
    with_gap, without = method.predict_proba(samples[40:]), method.predict_proba(complete[40:])
    np.testing.assert_allclose(np.delete(with_gap, 10, axis=0), np.delete(without, 10, axis=0), atol=1e-12)
    assert np.abs(with_gap[10] - without[10]).max() > 1e-6
