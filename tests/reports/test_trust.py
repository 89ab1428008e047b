"""Recalibration, parts of scores, sets, abstention and decisions: by hand, by oracles, and on planted posteriors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss as sklearn_log_loss

from fusebench.datasets.registry import load_task
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.metrics import calibration
from fusebench.reports.metrics.recalibration import RECALIBRATORS
from fusebench.reports.metrics.smooth_ece import smooth_ece
from fusebench.reports.tables import PRIMARY
from fusebench.reports.trust import conformal
from fusebench.reports.trust.decisions import net_benefit, treat_all
from fusebench.reports.trust.rows import set_scores
from fusebench.reports.trust.section import trust_parts
from fusebench.reports.trust.selective import aurc, excess_aurc, risk_coverage

RNG = np.random.default_rng(0)


def drawn(n, classes=3, sharp=1.0, seed=0):
    """Truth drawn from known probabilities, and those probabilities sharpened by a power."""
    rng = np.random.default_rng(seed)
    honest = rng.dirichlet(np.ones(classes), n)
    y = (honest.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    told = honest**sharp
    return y, told / told.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", RECALIBRATORS)
@pytest.mark.parametrize("classes", [2, 4])
def test_a_recalibrator_repairs_sharpened_probabilities(name, classes):
    y, told = drawn(6000, classes, sharp=3.0)
    mapped = RECALIBRATORS[name](y[:3000], told[:3000], told[3000:])
    np.testing.assert_allclose(mapped.sum(axis=1), 1)
    assert (mapped > 0).all()
    before, after = (calibration.log_loss(y[3000:], p) for p in (told[3000:], mapped))
    honest = calibration.log_loss(y[3000:], drawn(6000, classes)[1][3000:])
    assert after < before - 0.1
    assert after < honest + 0.06


@pytest.mark.parametrize("name", RECALIBRATORS)
def test_a_recalibrator_looks_at_no_test_label_and_survives_odd_validation(name):
    y, told = drawn(50, 2)
    RECALIBRATORS[name](np.zeros(50, dtype=int), told, told)  # one class
    certain = np.eye(2)[y]
    mapped = RECALIBRATORS[name](y, certain, np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert np.isfinite(mapped).all()


class Fixed(ClassifierMixin, BaseEstimator):
    """Gives its input back as probabilities of two classes; scikit-learn calibrates decision values."""

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = 1
        return self

    def decision_function(self, X):
        return X[:, 0]

    def predict(self, X):
        return (X[:, 0] > 0).astype(int)


def test_platt_is_that_of_scikit_learn_on_the_log_odds():
    y, told = drawn(500, 2, sharp=2.5)
    odds = np.log(told[:, 1] / told[:, 0])[:, None]
    base = FrozenEstimator(Fixed().fit(odds, y))
    theirs = CalibratedClassifierCV(base, method="sigmoid", cv=None).fit(odds, y).predict_proba(odds)
    np.testing.assert_allclose(RECALIBRATORS["platt"](y, told, told), theirs, atol=2e-3)


def test_isotonic_lowers_the_brier_score_of_its_own_rows():
    y, told = drawn(400, 2, sharp=3.0)
    assert calibration.brier(y, RECALIBRATORS["isotonic"](y, told, told)) < calibration.brier(y, told)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(5, 80), st.integers(0, 1000))
def test_parts_of_the_log_score_sum_exactly(classes, n, seed):
    y, told = drawn(n, classes, sharp=1.7, seed=seed)
    parts = calibration.decompose_log(y, told)
    assert parts.score == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty)
    assert parts.miscalibration >= -1e-12
    assert parts.discrimination >= -1e-12
    if classes == 2:
        assert parts.score == pytest.approx(sklearn_log_loss(y, told, labels=[0, 1]))


def test_class_wise_error_and_sharpness_by_hand():
    """Two bins of ten for either class: told 0.2 and 0.8, true in 1 of 10 and in 7 of 10."""
    second = np.repeat([0.2, 0.8], 10)
    y = np.r_[[1], np.zeros(9), np.ones(7), np.zeros(3)].astype(int)
    proba = np.column_stack([1 - second, second])
    assert calibration.classwise_ece(y, proba) == pytest.approx(0.1)
    assert calibration.sharpness(y, proba) == pytest.approx(2 * 0.09)
    weights = np.ones((2, 20))
    weights[1, 10:] = 0
    np.testing.assert_allclose(calibration.sharpness_resampled(y, proba, weights), [0.18, 0.0], atol=1e-12)
    np.testing.assert_allclose(calibration.classwise_ece_resampled(y, proba, weights), [0.1, 0.1])


@pytest.mark.parametrize("name", ["add", "xor"])
def test_the_true_posterior_is_calibrated_and_a_sharpened_one_is_caught(name):
    task = load_task(name, n=6000)
    honest = np.asarray(task.truth["posterior"], dtype=float)
    honest = np.column_stack([1 - honest, honest]) if honest.ndim == 1 else honest
    sharpened = honest**3 / (honest**3).sum(axis=1, keepdims=True)
    measures = {
        "miscalibration": (calibration.miscalibration, 0.012),
        "log parts": (lambda y, p: calibration.decompose_log(y, p).miscalibration, 0.02),
        "smooth": (smooth_ece, 0.02),
        "ece": (calibration.expected_calibration_error, 0.025),
        "class-wise": (calibration.classwise_ece, 0.025),
    }
    for what, (measure, small) in measures.items():
        assert measure(task.y, honest) < small, what
        assert measure(task.y, sharpened) > 2.5 * measure(task.y, honest), what


def test_thresholds_by_hand():
    """Of nine scores 0.1 to 0.9, coverage of 80 in 100 takes the eighth smallest; 95 in 100 none can promise."""
    scores = np.arange(1, 10) / 10
    assert conformal.threshold(scores, 0.2) == 0.8
    assert conformal.threshold(scores, 0.1) == 0.9
    assert conformal.threshold(scores, 0.05) == np.inf
    assert conformal.threshold(np.array([]), 0.1) == np.inf


def test_sets_by_hand():
    y, validation = np.zeros(9, dtype=int), np.column_stack([1 - np.arange(1, 10) / 10, np.arange(1, 10) / 10])
    proba = np.array([[0.2, 0.8], [0.15, 0.85], [0.05, 0.95]])
    np.testing.assert_array_equal(
        conformal.least_ambiguous(y, validation, proba, 0.2), [[True, True], [False, True], [False, True]]
    )
    # No validation row of the second class: nothing can be promised for it, so that it is in every set.
    assert conformal.by_class(y, validation, proba, 0.2)[:, 1].all()
    mass = conformal._mass_above(np.array([[0.5, 0.2, 0.3]]))
    np.testing.assert_allclose(mass, [[0.0, 0.8, 0.5]])


@pytest.mark.parametrize("kind", conformal.KINDS)
@pytest.mark.parametrize("sharp", [0.5, 1.0, 3.0])
def test_sets_cover_what_they_promise_whatever_the_calibration(kind, sharp):
    y, told = drawn(8000, 4, sharp=sharp)
    sets = conformal.KINDS[kind](y[:4000], told[:4000], told[4000:], 0.1)
    held = conformal.coverage(y[4000:], sets)
    assert 0.9 - 4 * np.sqrt(0.09 / 2000) < held < (0.97 if kind == "adaptive" else 0.925)
    if kind == "by class":
        assert conformal.class_coverage(y[4000:], sets).min() > 0.86


def test_risk_and_coverage_by_hand():
    """Surest first: right, wrong, and two tied of which one is wrong."""
    proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.6, 0.4]])
    y = np.array([0, 1, 0, 1])
    kept, risk = risk_coverage(y, proba)
    np.testing.assert_allclose(kept, [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(risk, [0, 1 / 2, 1.5 / 3, 2 / 4])
    assert aurc(y, proba) == pytest.approx(np.mean([0, 0.5, 0.5, 0.5]))
    assert excess_aurc(y, proba) == pytest.approx(np.mean([0, 0.5, 0.5, 0.5]) - np.mean([0, 0, 1 / 3, 0.5]))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.integers(0, 1000))
def test_no_order_beats_putting_every_error_last(n, seed):
    y, told = drawn(n, 3, seed=seed)
    assert excess_aurc(y, told) >= -1e-12


def test_net_benefit_by_hand():
    positive = np.array([True, True, False, False, False])
    risk = np.array([0.9, 0.3, 0.6, 0.1, 0.2])
    worth = net_benefit(positive, risk, np.array([0.25, 0.5]))
    np.testing.assert_allclose(worth, [2 / 5 - 1 / 5 * (0.25 / 0.75), 1 / 5 - 1 / 5 * 1.0])
    np.testing.assert_allclose(treat_all(positive, np.array([0.25, 0.5])), [0.4 - 0.6 / 3, 0.4 - 0.6])


def test_an_honest_risk_is_worth_no_less_than_acting_on_all_or_none():
    y, told = drawn(40_000, 2)
    positive = y == 1
    worth = net_benefit(positive, told[:, 1])
    assert (worth > np.maximum(treat_all(positive), 0) - 0.01).all()


def test_the_section_on_synthetic_results(results):
    evaluation = Evaluation(results)
    task = evaluation.tasks["breast-cancer"]
    (part,) = trust_parts(evaluation, task, PRIMARY)
    maps, parts, sets = part.tables
    for row in maps.rows:
        values = [maps.cell(row.name, f"log_loss_{v}").estimate.value for v in ("raw", *RECALIBRATORS)]
        gain = maps.cell(row.name, "gain_platt").estimate
        assert gain.value == pytest.approx(values[0] - values[2])
        assert maps.cell(row.name, "log_loss_raw").mark == ("best" if min(values) == values[0] else "")
    assert "small-vit" not in {row.name for row in maps.rows}  # it kept no validation probabilities
    for row in parts.rows:
        found = [parts.cell(row.name, f"brier_{k}").estimate.value for k in ("mcb", "dsc", "unc")]
        assert found[0] - found[1] + found[2] == pytest.approx(task.score("brier").estimate(row.name).value)
    for row in sets.rows:
        assert sets.cell(row.name, "one threshold_coverage").estimate.value == pytest.approx(0.9, abs=0.06)
    assert [p.name for p in part.pictures] == ["selective-breast-cancer", "decisions-breast-cancer"]
    assert "promise 90 % coverage" in part.findings[0].text
    for picture in part.pictures:
        assert picture.plot().axes
        assert {"method", "x", "y"} == set(picture.frame().columns)


def test_without_validation_probabilities_there_are_no_sets(results):
    evaluation = Evaluation(results)
    assert set_scores(evaluation.tasks["heart-official"], "small-vit", "adaptive", 0.1) is None
