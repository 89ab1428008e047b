"""Intervals and ranks by hand and against baycomp and SciPy."""

from __future__ import annotations

import baycomp
import numpy as np
import pytest
from scipy import stats

from fusebench.reports.statistics.intervals import (
    Estimate,
    corrected_t,
    over_tasks,
    percentile,
    pseudo_values,
    ranks,
    subject_weights,
    task_draws,
    win_rates,
)


def test_corrected_t_by_hand() -> None:
    """Mean 0.8, s = 0.1, J = 3, test/train = 1/2: half = 4.302653 * 0.1 * sqrt(1/3 + 1/2)."""
    found = corrected_t(np.array([0.7, 0.8, 0.9]), 0.5)
    assert found.value == pytest.approx(0.8)
    assert found.half == pytest.approx(4.302653 * 0.1 * np.sqrt(5 / 6), rel=1e-6)
    assert found.n == 3


def test_corrected_t_is_baycomps_posterior() -> None:
    """The Bayesian correlated t-test has the same location, scale and degrees of freedom."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0.8, 0.05, 20), rng.normal(0.78, 0.05, 20)  # 10 folds, 2 runs
    posterior = baycomp.CorrelatedTTest(x, y, runs=2)
    low, high = stats.t.interval(0.95, posterior.df, posterior.mean, np.sqrt(posterior.var))
    found = corrected_t(y - x, 1 / 9)
    assert (found.value, found.low, found.high) == pytest.approx((posterior.mean, low, high))


def test_without_correction_it_is_the_t_interval() -> None:
    values = np.random.default_rng(1).normal(size=12)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = corrected_t(values, 0.0)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("values", [[], [np.nan], [0.5]])
def test_too_few_values_give_no_interval(values: list[float]) -> None:
    found = corrected_t(np.array(values), 0.25)
    assert not found.bounded
    assert not found.excludes(0.0)
    assert found.known == (values == [0.5])


def test_nan_splits_are_left_out_and_counted() -> None:
    found = corrected_t(np.array([0.7, np.nan, 0.9]), 0.0)
    assert (found.value, found.n) == (pytest.approx(0.8), 2)


def test_an_exact_tie_holds_zero_and_an_exact_gap_does_not() -> None:
    assert not corrected_t(np.zeros(5), 0.25).excludes(0.0)
    assert corrected_t(np.full(5, 0.125), 0.25).excludes(0.0)
    assert not corrected_t(np.full(4, 0.125), 0.25).bounded  # too few to be certain of it


def test_coverage_of_the_corrected_interval_on_independent_splits_is_at_least_nominal() -> None:
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(2000, 10))
    plain = np.mean([not corrected_t(row, 0.0).excludes(0.0) for row in draws])
    corrected = np.mean([not corrected_t(row, 0.25).excludes(0.0) for row in draws])
    assert plain == pytest.approx(0.95, abs=0.015)
    assert corrected > plain


def test_subjects_are_drawn_whole() -> None:
    groups = np.array([7, 7, 3, 9, 9, 9])
    weights = subject_weights(groups, 200, seed=1)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert weights.mean() == pytest.approx(1.0, abs=0.05)


def test_bootstrap_of_a_mean_has_its_standard_error() -> None:
    values = np.random.default_rng(3).normal(size=200)
    weights = subject_weights(np.arange(200), 4000)
    found = percentile(float(values.mean()), weights @ values / 200)
    assert found.half == pytest.approx(1.96 * values.std() / np.sqrt(200), rel=0.06)


def test_percentile_leaves_undefined_draws_out() -> None:
    found = percentile(0.5, np.r_[np.linspace(0, 1, 101), np.nan])
    assert (found.low, found.high, found.n) == (pytest.approx(0.025), pytest.approx(0.975), 101)


def test_pseudo_values_of_a_mean_are_the_fold_means() -> None:
    folds = np.array([0.6, 0.8, 0.9])
    without = np.array([(folds.sum() - f) / 2 for f in folds])
    assert pseudo_values(folds.mean(), without) == pytest.approx(folds)


def test_ranks_and_win_rates_by_hand() -> None:
    scores = np.array([[0.9, 0.8, 0.8], [0.5, 0.7, 0.6]])
    assert ranks(scores, "higher").tolist() == [[1, 2.5, 2.5], [3, 1, 2]]
    assert ranks(scores, "lower").tolist() == [[3, 1.5, 1.5], [1, 3, 2]]
    assert ranks(np.array([[-0.1, 0.05, -0.2]]), "zero").tolist() == [[2, 1, 3]]
    assert win_rates(scores, "higher").tolist() == [[1, 0.25, 0.25], [0, 1, 0.5]]
    assert np.isnan(win_rates(scores[:, :1], "higher")).all()


def test_task_bootstrap() -> None:
    values = np.array([[1.0, 0.5], [3.0, 0.5]])
    first, second = over_tasks(values, task_draws(2))
    assert (first.value, first.low, first.high) == (2.0, 1.0, 3.0)
    assert (second.value, second.low, second.high) == (0.5, 0.5, 0.5)
    alone = over_tasks(values[:1], task_draws(1))[0]
    assert alone.value == 1.0
    assert not alone.bounded


def test_symmetry_is_recognised() -> None:
    assert Estimate(0.5, 0.4, 0.6, 3).symmetric
    assert not Estimate(0.5, 0.45, 0.6, 3).symmetric
    assert not Estimate(0.5).symmetric
