"""Calibration metrics: hand cases, oracles, identities and planted miscalibration."""

from __future__ import annotations

import numpy as np
import pytest
import relplot
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sk_log_loss

from fusebench.reports.metrics.calibration import (
    LOG_LOSS_CLIP,
    brier,
    confidence_gap,
    decompose_brier,
    equal_mass_bins,
    expected_calibration_error,
    isotonic,
    log_loss,
)
from fusebench.reports.metrics.smooth_ece import smooth_calibration_error, smooth_ece
from fusebench.reports.metrics.temperature import BOUNDS, apply_temperature, fit_temperature


def truthful(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors, and labels drawn from them: calibrated by construction."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(classes), size=n)
    return (proba.cumsum(axis=1) > rng.uniform(size=(n, 1))).argmax(axis=1), proba


def sharpened(proba: np.ndarray, power: float) -> np.ndarray:
    return apply_temperature(proba, 1 / power)


@pytest.mark.parametrize("classes", [2, 5])
def test_log_loss_is_scikit_learns(classes: int) -> None:
    y, proba = truthful(200, classes, 0)
    assert log_loss(y, proba) == pytest.approx(sk_log_loss(y, proba, labels=range(classes)))


def test_log_loss_of_a_certain_error_is_finite() -> None:
    assert log_loss(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(-np.log(LOG_LOSS_CLIP))


def test_two_class_brier_is_twice_the_one_column_form() -> None:
    y, proba = truthful(100, 2, 1)
    assert brier(y, proba) == pytest.approx(2 * brier_score_loss(y, proba[:, 1]))


def test_isotonic_is_scikit_learns_with_ties() -> None:
    rng = np.random.default_rng(0)
    scores, hits = np.round(rng.uniform(size=80), 1), rng.integers(0, 2, 80).astype(float)
    assert isotonic(scores, hits) == pytest.approx(IsotonicRegression().fit_transform(scores, hits))


@given(seed=st.integers(0, 10_000), classes=st.integers(2, 4), power=st.floats(0.3, 4))
@settings(max_examples=30, deadline=None)
def test_decomposition_is_exact_and_its_parts_are_not_negative(seed: int, classes: int, power: float) -> None:
    y, proba = truthful(60, classes, seed)
    parts = decompose_brier(y, sharpened(proba, power))
    assert parts.brier == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty, abs=1e-12)
    assert parts.brier == pytest.approx(brier(y, sharpened(proba, power)))
    assert min(parts.miscalibration, parts.discrimination, parts.uncertainty) >= -1e-12


def test_decomposition_by_hand() -> None:
    """Scores .2 .2 .6 .6 with one hit in each pair: the fit is 0.5 everywhere: nothing is discriminated."""
    proba = np.array([[0.8, 0.2], [0.8, 0.2], [0.4, 0.6], [0.4, 0.6]])
    parts = decompose_brier(np.array([0, 1, 0, 1]), proba)
    assert parts.uncertainty == pytest.approx(0.5)
    assert parts.discrimination == pytest.approx(0.0)
    assert parts.brier == pytest.approx(2 * np.mean([0.04, 0.64, 0.36, 0.16]))
    assert parts.miscalibration == pytest.approx(2 * (0.3 - 0.25))


def test_the_oracle_is_calibrated_and_sharpening_it_is_caught() -> None:
    y, proba = truthful(20_000, 3, 2)
    assert decompose_brier(y, proba).miscalibration < 0.005
    assert expected_calibration_error(y, proba) < 0.02
    assert smooth_ece(y, proba) < 0.02
    assert abs(confidence_gap(y, proba)) < 0.01
    sharp = sharpened(proba, 3)
    assert decompose_brier(y, sharp).miscalibration > 0.04
    assert expected_calibration_error(y, sharp) > 0.1
    assert smooth_ece(y, sharp) > 0.1
    assert confidence_gap(y, sharp) > 0.1
    assert confidence_gap(y, sharpened(proba, 0.4)) < -0.1
    assert decompose_brier(y, sharp).discrimination == pytest.approx(decompose_brier(y, proba).discrimination, abs=0.03)


def test_ece_by_hand() -> None:
    """Two bins of two: confidences .6 .7 with one hit (gap .15), .8 .9 with two hits (gap .15)."""
    confident = np.array([0.6, 0.7, 0.8, 0.9])
    proba = np.column_stack([confident, 1 - confident])
    y = np.array([0, 1, 0, 0])
    assert expected_calibration_error(y, proba, bins=2) == pytest.approx(0.15)
    assert expected_calibration_error(y, proba, bins=1) == pytest.approx(0.0)
    assert expected_calibration_error(y, proba, bins=4) == pytest.approx((0.4 + 0.7 + 0.2 + 0.1) / 4)


def test_ties_share_a_bin_and_bins_have_equal_mass() -> None:
    cut = equal_mass_bins(np.r_[np.full(6, 0.5), np.linspace(0.6, 0.9, 6)], np.zeros(12), bins=4)
    assert cut.count.tolist() == [6, 3, 3]
    assert equal_mass_bins(np.linspace(0, 1, 90), np.zeros(90)).count.tolist() == [10] * 9
    assert len(equal_mass_bins(np.linspace(0, 1, 5), np.zeros(5)).count) == 1


def dense_smooth_error(scores: np.ndarray, outcomes: np.ndarray, width: float) -> float:
    """The definition, with the reflected kernel summed out on a fine grid."""
    grid = (np.arange(4000) + 0.5) / 4000
    total = np.zeros(len(grid))
    for turn in range(-6, 7):
        for image in (scores + 2 * turn, 2 * turn - scores):
            kernel = np.exp(-0.5 * ((grid[:, None] - image) / width) ** 2) / (width * np.sqrt(2 * np.pi))
            total += kernel @ (outcomes - scores) / len(scores)
    return float(np.abs(total).mean())


@pytest.mark.parametrize("power", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("n", [40, 400])
def test_smooth_ece_follows_its_definition_and_relplot(n: int, power: float) -> None:
    y, proba = truthful(n, 2, n)
    scores = sharpened(proba, power)[:, 1]
    error, width = smooth_calibration_error(scores, y.astype(float))
    assert error == pytest.approx(width, abs=2e-3)
    assert error == pytest.approx(dense_smooth_error(scores, y.astype(float), width), rel=2e-3)
    # relplot loses the mass that falls into the outermost of its cells, hence the margin
    assert error == pytest.approx(float(relplot.smECE(scores, y.astype(float))), rel=0.06)


def test_smooth_ece_matches_relplot_closely_away_from_the_ends() -> None:
    rng = np.random.default_rng(4)
    for bias in (-0.15, 0.0, 0.1, 0.2):
        scores = rng.uniform(0.25, 0.75, 500)
        hits = (rng.uniform(size=500) < scores + bias).astype(float)
        ours = smooth_calibration_error(scores, hits)[0]
        assert ours == pytest.approx(float(relplot.smECE(scores, hits)), abs=1e-3)


def test_smooth_ece_of_a_constant_bias_is_the_bias() -> None:
    scores = np.full(1000, 0.7)
    hits = np.r_[np.ones(500), np.zeros(500)]
    assert smooth_calibration_error(scores, hits)[0] == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.5])
def test_temperature_is_recovered(power: float) -> None:
    y, proba = truthful(8000, 3, 6)
    found = fit_temperature(y, sharpened(proba, power))
    assert found == pytest.approx(power, rel=0.06)
    fixed = apply_temperature(sharpened(proba, power), found)
    assert log_loss(y, fixed) == pytest.approx(log_loss(y, proba), abs=2e-3)


def test_temperature_keeps_order_and_simplex_and_stays_in_bounds() -> None:
    y, proba = truthful(50, 4, 1)
    warm = apply_temperature(proba, 3.0)
    assert (warm.argmax(axis=1) == proba.argmax(axis=1)).all()
    assert warm.sum(axis=1) == pytest.approx(np.ones(50))
    certain = np.eye(4)[y]
    assert BOUNDS[0] <= fit_temperature(y, certain) <= BOUNDS[1]
    assert np.isfinite(apply_temperature(certain, BOUNDS[0])).all()
    assert fit_temperature(y, certain[:, [1, 2, 3, 0]]) == pytest.approx(
        BOUNDS[1], rel=0.01
    )  # always wrong: as soft as allowed
