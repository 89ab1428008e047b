"""SimpleMKL: the gradient, the duality gap, and two solvers that must agree."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.kernels.level import level_weights, nearest
from fusebench.methods.kernels.reduced_gradient import gradient_weights
from fusebench.methods.kernels.simple import KernelSimple
from fusebench.methods.kernels.svm_dual import MixDual, dual_columns, problems, quadratic_forms

SOLVERS = [level_weights, gradient_weights]
EXACT = 1e-10


@pytest.mark.parametrize("each", [False, True])
def test_dual_columns_are_optimal_for_every_binary_problem(graded, each):
    """Feasible, and every row on its side of the margin as its dual variable says (Karush, Kuhn, Tucker)."""
    stack, codes = graded(k=3)
    K, C = stack.mean(axis=0), 2.0
    columns = dual_columns(K, codes, C, each, tolerance=EXACT)
    assert columns.shape[1] == 3
    for (rows, positive), beta in zip(problems(codes, each), columns.T, strict=True):
        sign, mine = np.where(positive, 1.0, -1.0), beta[rows]
        assert not np.delete(beta, rows).any()
        a = sign * mine
        assert a.min() >= 0
        assert a.max() <= C + 1e-9
        assert mine.sum() == pytest.approx(0.0, abs=1e-9)
        free = (a > 1e-6) & (a < C - 1e-6)
        output = K[np.ix_(rows, rows)] @ mine
        margin = sign * (output + (sign - output)[free].mean())
        np.testing.assert_allclose(margin[free], 1.0, atol=1e-6)
        assert (margin[a <= 1e-6] >= 1 - 1e-6).all()
        assert (margin[a >= C - 1e-6] <= 1 + 1e-6).all()


@pytest.mark.parametrize("k", [2, 3])
def test_gradient_is_the_finite_difference(graded, k):
    stack, codes = graded(k=k)
    dual = MixDual(stack, codes, 1.0, tolerance=EXACT)
    d = np.array([0.1, 0.2, 0.3, 0.4])
    step = 1e-5
    slopes = [(dual(d + e)[0] - dual(d - e)[0]) / (2 * step) for e in step * np.eye(4)]
    np.testing.assert_allclose(slopes, -0.5 * dual(d)[1], rtol=1e-5)


def test_quadratic_forms_by_hand():
    stack = np.array([np.eye(2), [[0.0, 1.0], [1.0, 0.0]]])
    np.testing.assert_array_equal(quadratic_forms(stack, np.array([[1.0, 2.0], [-1.0, 3.0]])), [[2, 13], [-2, 12]])


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("solve", SOLVERS)
def test_the_gap_closes_and_active_kernels_share_the_largest_q(graded, solve, k):
    stack, codes = graded(seed=2, k=k, p=5)
    dual = MixDual(stack, codes, 1.0, tolerance=EXACT)
    d, gap = solve(dual, 1e-5, 500)
    assert gap <= 1e-5
    assert d.min() >= 0
    assert d.sum() == pytest.approx(1.0)
    value, q = dual(d)
    np.testing.assert_allclose(q[d > 1e-3], q.max(), rtol=1e-2)
    # The gap as the paper has it, told apart from what the solver says of itself
    assert 0.5 * (q.max() - d @ q) <= 5e-3 * value
    rivals = [np.full(5, 0.2), *np.eye(5), *np.random.default_rng(0).dirichlet(np.ones(5), 20)]
    assert all(value <= dual(rival)[0] * (1 + 1e-5) for rival in rivals)


def test_both_solvers_find_the_same_weights(graded):
    stack, codes = graded(seed=3, k=3)
    one, other = (solve(MixDual(stack, codes, 1.0, tolerance=EXACT), 1e-6, 500)[0] for solve in SOLVERS)
    np.testing.assert_allclose(one, other, atol=5e-3)
    assert 0.05 < one.max() < 0.95  # neither a corner nor what both start from
    assert np.ptp(one) > 0.1


@pytest.mark.parametrize("solve", SOLVERS)
def test_the_order_of_the_kernels_does_not_matter(graded, solve):
    stack, codes = graded(seed=3)
    turned = solve(MixDual(stack[::-1].copy(), codes, 1.0, tolerance=EXACT), 1e-6, 500)[0]
    np.testing.assert_allclose(
        solve(MixDual(stack, codes, 1.0, tolerance=EXACT), 1e-6, 500)[0], turned[::-1], atol=5e-3
    )


def test_nearest_point_of_the_simplex_by_hand():
    d = np.array([0.2, 0.8])
    np.testing.assert_allclose(nearest(d, np.array([[1.0, 0.0]]), np.array([0.5])), [0.5, 0.5], atol=1e-9)
    np.testing.assert_allclose(nearest(d, np.array([[1.0, 0.0]]), np.array([0.1])), d, atol=1e-9)
    assert nearest(d, np.array([[1.0, 0.0]]), np.array([1.5])) is None


def test_one_mix_a_class_is_that_of_the_class_against_the_rest():
    rng = np.random.default_rng(4)
    y = np.arange(90) % 3
    # The first modality tells class 0, the second class 1.
    arrays = {"a": rng.normal(size=(90, 2)) + 2.5 * (y == 0)[:, None], "b": rng.normal(size=(90, 2))}
    arrays["b"] += 2.5 * (y == 1)[:, None]
    samples = Samples.from_arrays(arrays)
    each = KernelSimple(kernels="rbf 1", classes="each").fit(samples, y)
    binary = KernelSimple(kernels="rbf 1").fit(samples, (y == 1).astype(int))
    assert each.weights_.shape == (3, 2)
    np.testing.assert_allclose(each.weights_[1], binary.weights_[0], atol=1e-9)
    assert each.weights_[0, 0] > 0.6
    assert each.weights_[1, 1] > 0.6


def test_what_does_not_exist_is_named():
    samples, y = Samples.from_arrays({"a": np.random.default_rng(0).normal(size=(20, 2))}), np.arange(20) % 2
    with pytest.raises(ValueError, match=r"solver 'best': use 'level' or 'gradient'"):
        KernelSimple(solver="best").fit(samples, y)
    with pytest.raises(ValueError, match=r"classes 'all': use 'shared' or 'each'"):
        KernelSimple(classes="all").fit(samples, y)
