"""Calibration: subject-respecting folds with rare classes, margins by class, and three laws with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusebench.datasets.splits import inner_folds
from fusebench.methods.calibrate import (
    CALIBRATIONS,
    CalibratedSVC,
    Isotonic,
    Platt,
    Temperature,
    class_margins,
    make_calibration,
    out_of_fold,
)
from fusebench.methods.temperature import fit_temperature


@settings(max_examples=40, deadline=None)
@given(
    codes=st.lists(st.integers(0, 3), min_size=4, max_size=40),
    subjects=st.integers(2, 40),
    seed=st.integers(0, 5),
)
def test_inner_folds_never_split_a_subject_and_hold_out_every_row_once(codes, subjects, seed):
    y = np.unique(codes, return_inverse=True)[1]
    groups = np.random.default_rng(seed).integers(0, subjects, len(y))
    folds = inner_folds(y, groups, 3, seed)
    for kept, held in folds:
        assert not np.intersect1d(groups[kept], groups[held]).size
    if folds:
        assert sorted(np.concatenate([held for _, held in folds])) == list(range(len(y)))
    else:
        assert min(len(np.unique(groups)), len(np.unique(groups[y == np.bincount(y).argmax()]))) < 2


def test_inner_folds_are_stratified_when_classes_allow_it():
    y = np.repeat([0, 1], [60, 30])
    for _, held in inner_folds(y, np.arange(90), 3, 0):
        assert np.bincount(y[held]).tolist() == [20, 10]


def test_out_of_fold_scores_come_from_models_that_did_not_see_the_row():
    y = np.tile([0, 1], 30)

    def score(kept, held):
        assert not np.intersect1d(kept, held).size
        return np.column_stack([held, -held]).astype(float)

    rows, scores = out_of_fold(score, y, np.arange(60), 3, 0)
    assert sorted(rows) == list(range(60))
    np.testing.assert_array_equal(scores[:, 0], rows)


def test_a_class_that_a_fold_has_not_seen_gets_the_lowest_score():
    y = np.array([0] * 9 + [1] * 9 + [2])

    def score(kept, held):
        return np.tile(np.arange(len(np.unique(y[kept])), dtype=float) + 1, (len(held), 1))

    rows, scores = out_of_fold(score, y, np.arange(19), 3, 0)
    assert sorted(rows) == list(range(19))
    without = (scores == [1, 2, 1]).all(axis=1)
    assert 5 <= without.sum() <= 6  # held out together with the only row of class 2
    np.testing.assert_array_equal(scores[~without], np.tile([1.0, 2.0, 3.0], (19 - without.sum(), 1)))


def test_the_only_row_of_a_class_is_scored_by_a_model_that_saw_it_and_the_others_are_not():
    """A model that knows nothing of the class would be wrong on it, and a calibration would learn to contradict."""
    y = np.array([0] * 8 + [1] * 8 + [2])
    calls = []

    def score(kept, held):
        calls.append((kept.tolist(), held.tolist()))
        return np.eye(len(np.unique(y[kept])))[np.zeros(len(held), dtype=int)]

    rows, _ = out_of_fold(score, y, np.arange(17), 3, 0)
    assert sorted(rows) == list(range(17))
    assert calls[-1] == (list(range(17)), [16])
    for kept, held in calls[:-1]:
        assert not set(kept) & set(held)


def test_without_any_usable_fold_everything_is_scored_by_a_model_of_everything():
    calls = []

    def score(kept, held):
        calls.append((kept.tolist(), held.tolist()))
        return np.zeros((len(held), 3))

    rows, scores = out_of_fold(score, np.arange(3), np.arange(3), 3, 0)
    assert calls == [([0, 1, 2], [0, 1, 2])]
    assert rows.tolist() == [0, 1, 2]
    assert scores.shape == (3, 3)


def test_class_margins_by_hand():
    np.testing.assert_array_equal(class_margins(np.array([2.0, -1.0]), 2), [[-2, 2], [1, -1]])
    # pairs in order (0,1), (0,2), (1,2); positive speaks for the lower class
    np.testing.assert_allclose(class_margins(np.array([[1.0, 2.0, -4.0]]), 3), [[1.5, -2.5, 1.0]])


def test_platt_recovers_a_logistic_law_whatever_the_unit():
    rng = np.random.default_rng(0)
    f = rng.normal(size=4000)
    y = (rng.random(4000) < 1 / (1 + np.exp(-(1.5 * f - 0.5)))).astype(int)
    grid = np.linspace(-2, 2, 9)
    for unit in (1e-3, 1.0, 1e3):
        platt = Platt().fit(np.column_stack([-f, f]) * unit, y)
        got = platt(np.column_stack([-grid, grid]) * unit)[:, 1]
        np.testing.assert_allclose(got, 1 / (1 + np.exp(-(1.5 * grid - 0.5))), atol=0.03)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("k", [2, 5])
def test_temperature_recovers_a_planted_one_whatever_the_unit(k, unit):
    rng = np.random.default_rng(k)
    scores = rng.normal(size=(6000, k)) * 3
    odds = np.exp(scores / 1.7)
    y = (rng.random((6000, 1)) > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1)
    model = Temperature().fit(scores * unit, y)
    assert model.temperature_ == pytest.approx(1.7 * unit, rel=0.06)
    expected = np.exp(scores[:5] * unit / model.temperature_)
    np.testing.assert_allclose(model(scores[:5] * unit), expected / expected.sum(axis=1, keepdims=True), rtol=1e-4)


def test_temperature_never_changes_the_most_probable_class():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [60, 10, 5])
    scores = rng.normal(size=(75, 3))
    np.testing.assert_array_equal(Temperature().fit(scores, y)(scores).argmax(axis=1), scores.argmax(axis=1))


def test_a_temperature_around_a_prior_says_the_prior_where_scores_know_nothing():
    rng = np.random.default_rng(1)
    y = (rng.random(4000) < 0.2).astype(int)
    prior = np.array([0.8, 0.2])
    assert fit_temperature(rng.normal(size=(4000, 2)), y, prior) > 15
    assert fit_temperature(np.zeros((0, 2)), y[:0], prior) == 1.0


def test_isotonic_by_hand():
    """The middle two are the wrong way round and pooled; targets are 1/4 and 3/4 for two rows a class."""
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    model = Isotonic().fit(np.column_stack([-scores, scores]), np.array([0, 1, 0, 1]))
    new = np.array([-9.0, 1.0, 1.5, 2.5, 4.0, 9.0])
    np.testing.assert_allclose(model(np.column_stack([-new, new]))[:, 1], [0.25, 0.25, 0.375, 0.5, 0.75, 0.75])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), k=st.integers(2, 4), n=st.integers(4, 60))
def test_isotonic_rises_with_a_class_s_own_score_and_is_never_certain(seed, k, n):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n)])
    scores = rng.normal(size=(len(y), k)) + 3.0 * np.eye(k)[y]
    model = Isotonic().fit(scores, y)
    for c in range(k):
        line = np.repeat(scores[:1], 50, axis=0)
        line[:, c] = np.linspace(-6, 9, 50)
        proba = model(line)
        np.testing.assert_allclose(proba.sum(axis=1), 1.0)
        assert (np.diff(proba[:, c]) >= -1e-12).all()
        # Laplace's rule for every row of one class in a block, before the classes are scaled to sum 1.
        raw = model.steps_[c].predict(line[:, c])
        mine = (y == c).sum()
        assert raw.min() >= 1 / (len(y) - mine + 2) - 1e-12
        assert raw.max() <= (mine + 1) / (mine + 2) + 1e-12
        assert proba.min() > 0


def test_isotonic_follows_any_rising_law():
    rng = np.random.default_rng(2)
    f = rng.uniform(-1, 1, 20000)
    y = (rng.random(20000) < np.where(f < 0.2, 0.1, 0.7)).astype(int)  # a step, which no logistic law is
    model = Isotonic().fit(np.column_stack([-f, f]), y)
    grid = np.array([-0.8, 0.0, 0.4, 0.8])
    got = model(np.column_stack([-grid, grid]))[:, 1]
    np.testing.assert_allclose(got, [0.1, 0.1, 0.7, 0.7], atol=0.05)


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_every_calibration_stands_scores_that_tell_nothing_or_everything(name):
    y = np.arange(30) % 3
    flat = make_calibration(name).fit(np.zeros((30, 3)), y)(np.zeros((2, 3)))
    np.testing.assert_allclose(flat, 1 / 3, atol=1e-6)
    sure = make_calibration(name).fit(np.eye(3)[y], y)(np.eye(3))
    assert (sure.argmax(axis=1) == [0, 1, 2]).all()
    assert 0.75 < sure.max() < 1 - 1e-4
    assert sure.min() > 1e-6
    assert make_calibration(name).fit(np.eye(3)[y], y).n_parameters_ > 0


def test_calibrations_are_named():
    with pytest.raises(ValueError, match=r"calibration 'beta': use one of 'platt', 'isotonic', 'temperature'"):
        make_calibration("beta")


@pytest.mark.parametrize("k", [2, 4])
def test_svm_from_features_equals_svm_from_its_kernel_matrix(k):
    rng = np.random.default_rng(k)
    y = np.arange(120) % k
    X = rng.normal(size=(120, 3)) + y[:, None]
    groups = np.arange(120) // 2
    K = np.exp(-0.3 * ((X[:, None] - X) ** 2).sum(axis=2))
    one = CalibratedSVC(1.0, 0.3, 3, 0).fit(X, y, groups)
    two = CalibratedSVC(1.0, None, 3, 0).fit(K, y, groups)
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(K), atol=2e-3)


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_svm_probabilities_are_calibrated_on_held_out_rows(name):
    """On overlapping classes in-sample margins would promise far more than new rows keep."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 1600)
    X = rng.normal(size=(1600, 20)) + 0.25 * y[:, None]
    train, test = slice(0, 400), slice(400, None)
    model = CalibratedSVC(10.0, 0.05, 3, 0, name).fit(X[train], y[train], np.arange(400))
    proba = model.predict_proba(X[test])[:, 1]
    confidence = np.maximum(proba, 1 - proba).mean()
    accuracy = ((proba > 0.5) == y[test]).mean()
    assert abs(confidence - accuracy) < 0.06
