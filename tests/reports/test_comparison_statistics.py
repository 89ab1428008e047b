"""Tests between methods against hand-made cases, published examples and independent implementations."""

from __future__ import annotations

import itertools

import baycomp
import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from autorank import autorank
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fusebench.reports.statistics.delong import delong, delong_difference
from fusebench.reports.statistics.friedman import (
    cliques,
    critical_difference,
    friedman,
    holm,
    least_p,
    wilcoxon_p,
)
from fusebench.reports.statistics.intervals import corrected_t, ranks
from fusebench.reports.statistics.resampled_test import corrected_t_p, correlated_bayes
from fusebench.reports.statistics.signed_rank import signed_rank

# Demsar 2006, table 6: AUC of C4.5, with m, with cf, with both, on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.978, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_the_worked_example_of_demsar():
    """Ranks, Friedman's statistic (he does not correct for ties), F, and Nemenyi's difference, as printed there."""
    own = ranks(DEMSAR, "higher")
    np.testing.assert_allclose(own.mean(axis=0), [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    plain = 12 * 14 / (4 * 5) * ((own.mean(axis=0) ** 2).sum() - 4 * 25 / 4)
    assert plain == pytest.approx(9.28, abs=0.005)
    assert 13 * plain / (14 * 3 - plain) == pytest.approx(3.69, abs=0.005)
    assert friedman(DEMSAR).chi2 > plain  # ties take variance away
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, alpha=0.10) == pytest.approx(1.12, abs=0.005)


def test_friedman_is_that_of_scipy_and_its_f_follows():
    found = friedman(DEMSAR)
    chi2, p = stats.friedmanchisquare(*DEMSAR.T)
    assert (found.chi2, found.p_chi2) == (pytest.approx(chi2), pytest.approx(p))
    assert found.f == pytest.approx(13 * chi2 / (14 * 3 - chi2))
    assert found.p_f == pytest.approx(stats.f.sf(found.f, 3, 39))
    for undefined in (np.ones((4, 3)), np.ones((1, 3)), np.random.default_rng(0).normal(size=(5, 2))):
        assert np.isnan(friedman(undefined).chi2)


def test_critical_difference_agrees_with_nemenyi_of_scikit_posthocs():
    table = scikit_posthocs.posthoc_nemenyi_friedman(DEMSAR).to_numpy()
    middle = ranks(DEMSAR, "higher").mean(axis=0)
    apart = np.abs(middle[:, None] - middle[None]) > critical_difference(4, 14)
    np.testing.assert_array_equal(apart, table < 0.05)


def test_wilcoxon_with_holm_agrees_with_scikit_posthocs():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 4)) + np.array([0, 0.5, 1.0, 2.0]))
    pairs = list(itertools.combinations(range(4), 2))
    ours = holm(np.array([wilcoxon_p(frame[a].to_numpy() - frame[b].to_numpy()) for a, b in pairs]))
    long = frame.melt(var_name="method", value_name="score")
    theirs = scikit_posthocs.posthoc_wilcoxon(long, "score", "method", p_adjust="holm")
    np.testing.assert_allclose(ours, [theirs.loc[a, b] for a, b in pairs])


@pytest.mark.parametrize(("tasks", "methods"), [(6, 3), (12, 4), (20, 7)])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mean_ranks_friedman_and_critical_difference_agree_with_autorank(tasks, methods):
    rng = np.random.default_rng(tasks)
    scores = rng.random((tasks, methods)).round(2) + 0.05 * np.arange(methods)
    names = [f"m{m}" for m in range(methods)]
    theirs = autorank(pd.DataFrame(scores, columns=names), force_mode="nonparametric")
    mean_ranks = theirs.rankdf["meanrank"].reindex(names)
    np.testing.assert_allclose(ranks(scores, "higher").mean(axis=0), mean_ranks, atol=1e-9)
    assert friedman(-scores).p_chi2 == pytest.approx(theirs.pvalue, abs=1e-9)
    # Its studentised range is an approximation (statsmodels' qsturng), SciPy's is integrated.
    assert critical_difference(methods, tasks) == pytest.approx(theirs.cd, abs=1e-4)


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, np.nan, 0.03])), [0.06, 0.03, np.nan, 0.06])
    assert len(holm(np.array([]))) == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_and_keeps_the_order(values):
    p = np.array(values)
    adjusted = holm(p)
    assert (adjusted >= p - 1e-15).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_few_tasks_cannot_give_a_small_p():
    for tasks in range(2, 9):
        assert wilcoxon_p(np.arange(1.0, tasks + 1)) == pytest.approx(least_p(tasks))
    assert least_p(5) == 0.0625
    assert wilcoxon_p(np.zeros(5)) == 1.0
    assert np.isnan(wilcoxon_p(np.array([np.nan])))


@pytest.mark.parametrize("rope", [0.01, 0.05])
def test_signed_rank_agrees_with_baycomp(rope):
    rng = np.random.default_rng(1)
    x, y = rng.normal(0.8, 0.05, 15), rng.normal(0.82, 0.05, 15)
    theirs = baycomp.SignedRankTest.probs(x, y, rope=rope, nsamples=20_000, random_state=0)
    np.testing.assert_allclose(signed_rank(y - x, rope), theirs, atol=0.015)


def test_signed_rank_at_the_ends():
    assert signed_rank(np.full(30, 0.2), 0.01)[2] > 0.999
    assert signed_rank(np.full(30, -0.2), 0.01)[0] > 0.999
    assert signed_rank(np.full(30, 0.001), 0.01)[1] > 0.999
    assert np.isnan(signed_rank(np.array([]), 0.01)).all()
    assert signed_rank(np.full(30, 0.2), 0.01) == signed_rank(np.full(30, 0.2), 0.01)


def test_one_task_settles_nothing():
    assert max(signed_rank(np.array([0.3]), 0.01)) < 0.9


def test_correlated_bayes_agrees_with_baycomp():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0.8, 0.03, 10), rng.normal(0.82, 0.03, 10)
    theirs = baycomp.CorrelatedTTest.probs(x, y, rope=0.01)
    np.testing.assert_allclose(correlated_bayes(y - x, 1 / 9, 0.01), theirs)
    assert correlated_bayes(np.full(5, 0.5), 0.1, 0.01) == (0.0, 0.0, 1.0)
    assert np.isnan(correlated_bayes(np.full(4, 0.5), 0.1, 0.01)).all()  # too few for certainty
    assert np.isnan(correlated_bayes(np.array([0.5]), 0.1, 0.01)).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1).map(lambda v: round(v, 3)), min_size=2, max_size=20), st.floats(0, 1))
def test_p_is_below_a_twentieth_exactly_when_the_interval_leaves_zero_out(values, ratio):
    gaps = np.array(values)
    p, interval = corrected_t_p(gaps, ratio), corrected_t(gaps, ratio)
    if abs(p - 0.05) > 1e-6 and gaps.std() > 1e-9:
        assert (p < 0.05) == interval.excludes(0.0)


def by_all_pairs(positive, scores):
    """DeLong's structural components by their definition."""
    cases, controls = scores[:, positive], scores[:, ~positive]
    kernel = (cases[:, :, None] > controls[:, None]) + 0.5 * (cases[:, :, None] == controls[:, None])
    V, W = kernel.mean(axis=2), kernel.mean(axis=1)
    return kernel.mean(axis=(1, 2)), np.cov(V) / V.shape[1] + np.cov(W) / W.shape[1]


def test_delong_equals_its_definition_over_all_pairs():
    rng = np.random.default_rng(0)
    positive = rng.random(60) < 0.4
    scores = np.round(rng.normal(size=(3, 60)) + positive, 1)  # with ties
    for ours, theirs in zip(delong(positive, scores), by_all_pairs(positive, scores), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_delong_by_hand():
    """Cases 3, 1 against controls 2, 0: three of four pairs are in order; parts (1, 1/2) and (1/2, 1)."""
    area, variance = delong(np.array([True, True, False, False]), np.array([[3.0, 1.0, 2.0, 0.0]]))
    assert area[0] == 0.75
    assert variance[0, 0] == pytest.approx(0.125 / 2 + 0.125 / 2)


def test_delong_differences():
    rng = np.random.default_rng(0)
    positive = rng.random(400) < 0.5
    good, poor = rng.normal(size=400) + 2 * positive, rng.normal(size=400) + 0.5 * positive
    gap, p = delong_difference(positive, good, poor)
    assert gap.excludes(0.0)
    assert p < 1e-6
    same, one = delong_difference(positive, good, 2 * good)
    assert (same.value, one) == (0.0, 1.0)
    assert not delong_difference(np.array([True, False, False]), good[:3], poor[:3])[0].known
    with pytest.raises(ValueError, match="two rows of either class"):
        delong(np.array([True, False, False]), good[None, :3])


def test_delong_p_values_are_uniform_where_nothing_differs():
    rng = np.random.default_rng(0)
    values = []
    for _ in range(300):
        positive = rng.random(120) < 0.5
        shared = rng.normal(size=120) + positive
        values.append(delong_difference(positive, shared + rng.normal(size=120), shared + rng.normal(size=120))[1])
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_cliques_are_the_longest_runs():
    assert cliques(np.array([1.0, 1.5, 2.4, 4.0]), 1.0) == [(0, 1), (1, 2)]
    assert cliques(np.array([1.0, 1.5, 2.0]), 1.0) == [(0, 2)]
    assert cliques(np.array([1.0, 3.0]), 1.0) == []
