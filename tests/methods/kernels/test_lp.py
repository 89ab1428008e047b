"""lp-norm multiple kernel learning: the norm at every step, a falling objective, and its two limits."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import Samples
from fusebench.methods.kernels.level import level_weights
from fusebench.methods.kernels.lp import KernelLp, closed_form, lp_weights
from fusebench.methods.kernels.svm_dual import MixDual


class Watched(MixDual):
    """Notes at which weights it was asked, and what it said."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = []

    def __call__(self, d):
        value, q = super().__call__(d)
        self.seen.append((d, value))
        return value, q


def test_closed_form_minimises_over_weights_of_that_norm():
    norms, p = np.array([1.0, 2.0, 0.5]), 1.7
    best = closed_form(norms, p)
    assert np.linalg.norm(best, p) == pytest.approx(1.0)
    rivals = np.random.default_rng(0).uniform(0.05, 1, size=(300, 3))
    rivals /= np.linalg.norm(rivals, p, axis=1)[:, None]
    assert (norms**2 / best).sum() <= (norms**2 / rivals).sum(axis=1).min()


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("p", [1.1, 2.0, 4.0])
def test_every_step_keeps_the_norm_and_lowers_the_objective(graded, p, k):
    stack, codes = graded(k=k)
    dual = Watched(stack, codes, 1.0, tolerance=1e-10)
    d, gap = lp_weights(dual, p, 1e-6)
    assert gap <= 1e-6
    assert len(dual.seen) > 2
    for weights, _ in dual.seen:
        assert np.linalg.norm(weights, p) == pytest.approx(1.0)
    assert (np.diff([value for _, value in dual.seen]) <= 1e-9).all()
    rivals = np.random.default_rng(0).uniform(size=(20, 4))
    best = dual(d)[0]
    assert all(best <= dual(rival / np.linalg.norm(rival, p))[0] * (1 + 1e-6) for rival in rivals)


def test_p_near_one_is_simplemkl(graded):
    stack, codes = graded(seed=3)
    sparse, _ = lp_weights(MixDual(stack, codes, 1.0, tolerance=1e-10), 1.005, 1e-5)
    simple, _ = level_weights(MixDual(stack, codes, 1.0, tolerance=1e-10), 1e-7, 500)
    np.testing.assert_allclose(sparse / sparse.sum(), simple, atol=0.03)
    assert np.ptp(simple) > 0.2


def test_large_p_is_uniform(graded):
    stack, codes = graded(seed=3)
    d, _ = lp_weights(MixDual(stack, codes, 1.0), 200.0, 1e-6)
    np.testing.assert_allclose(d / d.sum(), 0.25, atol=0.01)


def test_a_norm_that_is_none():
    samples = Samples.from_arrays({"a": np.random.default_rng(0).normal(size=(20, 2))})
    with pytest.raises(ValueError, match=r"p = 1.0: the norm must be above 1"):
        KernelLp(p=1.0).fit(samples, np.arange(20) % 2)
