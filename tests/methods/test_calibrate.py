"""Calibration helpers: subject-respecting folds with rare classes, margins by class, Platt scaling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusebench.datasets.splits import inner_folds
from fusebench.methods.calibrate import CalibratedSVC, Platt, class_margins, out_of_fold


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
    held_with_two = scores[rows == 18][0]
    np.testing.assert_array_equal(held_with_two, [1, 2, 1])


def test_with_one_row_of_a_class_scores_fall_back_to_all_rows():
    y = np.array([0] * 8 + [1])
    calls = []

    def score(kept, held):
        calls.append((len(kept), len(held)))
        return np.zeros((len(held), 2))

    rows, scores = out_of_fold(score, y, np.arange(9), 3, 0)
    assert calls[-1] == (9, 9)
    assert scores.shape == (9, 2)
    assert rows.tolist() == list(range(9))


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


def test_svm_probabilities_are_calibrated_on_held_out_rows():
    """On overlapping classes in-sample margins would promise far more than new rows keep."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 1600)
    X = rng.normal(size=(1600, 20)) + 0.25 * y[:, None]
    train, test = slice(0, 400), slice(400, None)
    model = CalibratedSVC(10.0, 0.05, 3, 0).fit(X[train], y[train], np.arange(400))
    proba = model.predict_proba(X[test])[:, 1]
    confidence = np.maximum(proba, 1 - proba).mean()
    accuracy = ((proba > 0.5) == y[test]).mean()
    assert abs(confidence - accuracy) < 0.06
