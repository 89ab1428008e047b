"""The latent severity of drawn cohorts: closed forms by hand, scores and posteriors against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, roc_auc_score

from fusebench.datasets.cohorts.severity import LatentSeverity, normal_scores, overlap_at

N = 200_000
CASES = [
    ((0.8, 0.75), 0.0, 2),
    ((0.8, 0.6, 0.7), 0.1, 2),
    ((0.5, 0.0), 0.3, 2),
    ((0.75, 0.6), 0.1, 3),
    ((0.9,), 0.2, 4),
]


def simulated(strengths: tuple[float, ...], overlap: float, classes: int, seed: int) -> tuple[np.ndarray, ...]:
    """Severity, what is shown and labels, straight from the definition."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=N)
    shown = np.column_stack([r * z + np.sqrt(1 - r**2) * rng.normal(size=N) for r in strengths])
    latent = z + overlap * rng.normal(size=N)
    return z, shown, (classes * latent.argsort().argsort()) // N


def test_the_closed_forms_by_hand() -> None:
    # All of severity but a fifth is shown: correlation 0.8, and asin(0.8) = 0.9273.
    scores = LatentSeverity("x", (0.8,)).scores()
    assert scores["accuracy"] == pytest.approx(0.5 + 0.9272952180 / np.pi, abs=1e-5)
    assert LatentSeverity("x", (0.0, 0.0)).scores()["accuracy"] == pytest.approx(0.5)
    assert LatentSeverity("x", (0.0,)).scores()["auroc"] == pytest.approx(0.5)
    # Two views of precision 1 weigh as one of precision 2, which has correlation sqrt(2/3).
    pair, one = LatentSeverity("x", (np.sqrt(0.5),) * 2), LatentSeverity("x", (np.sqrt(2 / 3),))
    assert pair.scores() == pytest.approx(one.scores())
    assert overlap_at(0.25, 2) == pytest.approx(1.0)


@pytest.mark.parametrize(("strengths", "rate", "classes"), CASES)
def test_no_rule_of_the_best_estimate_scores_better_and_the_best_scores_as_said(
    strengths: tuple[float, ...], rate: float, classes: int
) -> None:
    rule = LatentSeverity("x", strengths, overlap_at(rate, classes), classes)
    z, shown, y = simulated(strengths, rule.overlap, classes, 1)
    estimate = LinearRegression().fit(shown, z).predict(shown)
    # The share of each class within each of many equally full bins of the estimate.
    bins = (500 * estimate.argsort().argsort()) // N
    share = np.stack([np.bincount(bins, y == c) for c in range(classes)], axis=1) / (N // 500)
    bayes = rule.scores()
    assert share.max(axis=1).mean() == pytest.approx(bayes["accuracy"], abs=0.01)
    assert log_loss(y, share[bins]) == pytest.approx(bayes["log_loss"], abs=0.01)
    assert (share * (1 - share)).sum(axis=1).mean() == pytest.approx(bayes["brier"], abs=0.005)
    assert bayes["balanced_accuracy"] == pytest.approx(bayes["accuracy"])
    if classes == 2:
        assert roc_auc_score(y, estimate) == pytest.approx(bayes["auroc"], abs=0.005)
    else:
        assert "auroc" not in bayes


@pytest.mark.parametrize(("strengths", "rate", "classes"), CASES)
def test_draws_disagree_at_the_rate_and_the_posterior_is_calibrated(
    strengths: tuple[float, ...], rate: float, classes: int
) -> None:
    drawn = LatentSeverity("x", strengths, overlap_at(rate, classes), classes).draw(N, 3)
    assert (drawn.label != drawn.clean).mean() == pytest.approx(rate, abs=0.004)
    assert np.ptp(np.bincount(drawn.label)) <= 1
    for m, r in enumerate(strengths):
        assert np.corrcoef(drawn.shown[:, m], drawn.severity)[0, 1] == pytest.approx(r, abs=0.01)
    p = drawn.posterior if classes > 2 else np.column_stack([1 - drawn.posterior, drawn.posterior])
    assert p.shape == (N, classes)
    assert p.sum(axis=1) == pytest.approx(1)
    for c in range(classes):
        for low in np.arange(0, 1, 0.1):
            inside = (p[:, c] > low) & (p[:, c] <= low + 0.1)
            if inside.sum() > 2000:
                spread = 0.5 / np.sqrt(inside.sum())
                assert (drawn.label[inside] == c).mean() == pytest.approx(p[inside, c].mean(), abs=4 * spread)


def test_rows_of_a_subject_have_severities_in_common() -> None:
    drawn = LatentSeverity("x", (0.5,)).draw(40_000, 1, subjects=np.arange(40_000) // 2, share=0.3)
    first, second = drawn.severity.reshape(-1, 2).T
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.3, abs=0.03)
    assert np.corrcoef(first[1:], second[:-1])[0, 1] == pytest.approx(0, abs=0.03)


def test_normal_scores_keep_the_order_and_the_quantiles() -> None:
    assert normal_scores(np.array([5.0, -1.0])) == pytest.approx([0.67449, -0.67449], abs=1e-5)
