"""EasyMKL against a quadratic programme of SciPy's, the package MKLpy, and distances of class means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from fusebench.methods.kernels.easy import easy_problem, easy_weights
from fusebench.methods.kernels.margin import hull_columns


def by_scipy(stack, codes, lam):
    """eta from gamma by sequential least squares programming, started from the class means."""
    sign = np.where(codes == 1, 1.0, -1.0)
    A = sign[:, None] * ((1 - lam) * stack.sum(axis=0) + lam * np.eye(len(codes))) * sign
    sides = [{"type": "eq", "fun": lambda g, c=c: g[codes == c].sum() - 1} for c in (0, 1)]
    found = minimize(
        lambda g: (g @ A @ g, 2 * A @ g),
        1.0 / np.bincount(codes)[codes],
        jac=True,
        bounds=[(0, None)] * len(codes),
        constraints=sides,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert found.success
    beta = sign * found.x
    return np.array([beta @ K @ beta for K in stack])


@pytest.mark.parametrize("lam", [0.05, 0.3, 0.9])
def test_weights_are_those_of_an_independent_quadratic_programme(graded, lam):
    stack, codes = graded(n=40)
    np.testing.assert_allclose(easy_weights(stack, codes, lam), by_scipy(stack, codes, lam), rtol=2e-4)


@pytest.mark.slow  # it imports torch
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("lam", [0.1, 0.5])
def test_weights_are_those_of_mklpy(graded, lam):
    algorithms = pytest.importorskip("MKLpy.algorithms")
    import torch

    stack, codes = graded(n=50)
    package = algorithms.EasyMKL(lam=lam, tolerance=1e-9, max_iter=10**6)
    package.fit([torch.tensor(K) for K in stack], torch.tensor(codes))
    own = easy_weights(stack, codes, lam)
    np.testing.assert_allclose(own / own.sum(), package.solution.weights.numpy(), atol=1e-5)


def test_with_lambda_one_weights_are_squared_distances_of_class_means():
    """The maximum mean discrepancy: with linear kernels, of the rows' own means."""
    rng = np.random.default_rng(1)
    codes = np.repeat([0, 1], [12, 20])
    blocks = [rng.normal(size=(32, d)) + shift * codes[:, None] for d, shift in ((2, 0.0), (3, 1.0), (1, 2.0))]
    blocks = [X - X.mean(axis=0) for X in blocks]
    stack = np.array([X @ X.T for X in blocks])
    expected = [((X[codes == 1].mean(axis=0) - X[codes == 0].mean(axis=0)) ** 2).sum() for X in blocks]
    np.testing.assert_allclose(easy_weights(stack, codes, 1.0), expected, rtol=1e-9)


def test_nearest_points_of_two_hulls_by_hand():
    """A triangle beside a point: the nearest point of the hull lies in the middle of its near side."""
    X = np.array([[1.0, 1.0], [1.0, -1.0], [3.0, 0.0], [0.0, 0.0]])
    columns = hull_columns(X @ X.T + 1e-9 * np.eye(4), np.array([1, 1, 1, 0]), each=False)
    np.testing.assert_allclose(columns[:, 0], [0.5, 0.5, 0.0, -1.0], atol=1e-6)


@pytest.mark.parametrize("lam", [0.0, 0.2])
def test_gamma_is_optimal_for_several_classes(graded, lam):
    """No row of a class is nearer to the other hull than the level at which its support lies."""
    stack, codes = graded(n=45, k=3)
    A = easy_problem(stack, lam)
    columns = hull_columns(A, codes, each=True)
    for c, beta in enumerate(columns.T):
        sign = np.where(codes == c, 1.0, -1.0)
        gamma = sign * beta
        assert gamma.min() >= 0
        for side in (codes == c, codes != c):
            assert gamma[side].sum() == pytest.approx(1.0)
            level = (sign * (A @ beta))[side]
            np.testing.assert_allclose(level[gamma[side] > 1e-9], level.min(), rtol=1e-6, atol=1e-9 * A.max())


def test_one_mix_a_class_and_one_for_all_pairs(graded):
    stack, codes = graded(n=45, k=3)
    each = easy_weights(stack, codes, 0.2, each=True)
    for c in range(3):
        np.testing.assert_allclose(each[c], easy_weights(stack, (codes == c).astype(int), 0.2), rtol=1e-8)
    pairs = 0.0
    for i, j in ((0, 1), (0, 2), (1, 2)):
        rows = np.flatnonzero(np.isin(codes, (i, j)))
        pairs = pairs + easy_weights(stack[:, rows][:, :, rows], (codes[rows] == j).astype(int), 0.2)
    np.testing.assert_allclose(easy_weights(stack, codes, 0.2), pairs, rtol=1e-6)


def test_where_the_hulls_meet_nothing_is_told():
    X = np.array([[-1.0], [1.0], [-0.5], [0.5]])
    np.testing.assert_array_equal(easy_weights((X @ X.T)[None], np.array([0, 0, 1, 1]), 0.0), [0.0])


def test_lambda_outside_its_range(graded):
    stack, codes = graded(n=20)
    with pytest.raises(ValueError, match=r"lam = 1.5: lambda must lie between 0 and 1"):
        easy_weights(stack, codes, 1.5)
