"""Weights of a mixture, also where components were silent."""

import numpy as np
import pytest

from fusebench.methods.simplex import mixture_weights


def test_rows_in_which_all_but_one_are_silent_say_nothing_about_the_weights():
    rng = np.random.default_rng(0)
    likelihood = rng.uniform(size=(60, 3))
    alone = np.full((40, 3), np.nan)
    alone[:, 0] = rng.uniform(size=40)
    expected = mixture_weights(likelihood, prior=1e-9, steps=20000)
    found = mixture_weights(np.vstack([likelihood, alone]), prior=1e-9, steps=20000)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(mixture_weights(np.full((5, 4), np.nan)), 0.25)


def test_a_component_that_is_often_silent_is_judged_by_the_rows_in_which_it_speaks():
    rng = np.random.default_rng(1)
    likelihood = np.column_stack([rng.uniform(0.6, 0.9, 200), rng.uniform(0.1, 0.5, 200)])
    likelihood[:150, 0] = np.nan
    weights = mixture_weights(likelihood)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] > 0.85


def test_mixture_weights_lie_on_the_simplex_and_find_the_better_component():
    rng = np.random.default_rng(0)
    good, bad = rng.uniform(0.6, 0.9, 200), rng.uniform(0.1, 0.5, 200)
    weights = mixture_weights(np.column_stack([bad, good, bad]))
    assert weights.sum() == pytest.approx(1.0)
    assert weights[1] > 0.97
    np.testing.assert_allclose(mixture_weights(np.empty((0, 4))), 0.25)


def test_mixture_weights_maximise_the_likelihood():
    rng = np.random.default_rng(1)
    likelihood = rng.uniform(size=(50, 2))

    def goal(w):
        return np.log(likelihood @ [w, 1 - w]).sum() + np.log(w) + np.log(1 - w)

    grid = np.linspace(0.001, 0.999, 999)
    best = grid[np.argmax([goal(w) for w in grid])]
    assert mixture_weights(likelihood, steps=2000)[0] == pytest.approx(best, abs=2e-3)
