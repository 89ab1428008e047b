"""Splits: stratified, disjoint, complete, by subject, and the same whenever they are asked for."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusebench.datasets import CrossValidation, DataError, LeaveOneSiteOut, OfficialSplit
from fusebench.datasets.splits import check_class_sizes, derived_seed, holdout, make_splits, stratified_folds


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Labels and subjects: every class has at least as many subjects as there are folds."""
    folds = draw(st.integers(2, 5))
    classes = draw(st.integers(2, 4))
    more = draw(st.lists(st.integers(0, classes - 1), max_size=30))
    subject_class = np.array([*np.repeat(np.arange(classes), folds), *more])
    rows = draw(st.lists(st.integers(1, 4), min_size=len(subject_class), max_size=len(subject_class)))
    groups = np.repeat(np.arange(len(subject_class)), rows)
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(len(groups))
    return subject_class[groups][order], groups[order], folds


def _pairs(splits: Iterator[tuple[np.ndarray, np.ndarray]]) -> list[tuple[list[int], list[int]]]:
    return [(train.tolist(), test.tolist()) for train, test in splits]


@settings(max_examples=60, deadline=None)
@given(cohorts(), st.integers(0, 2**31 - 1))
def test_folds_part_the_rows_by_subject_and_keep_every_class_in_training(
    cohort: tuple[np.ndarray, np.ndarray, int], seed: int
) -> None:
    y, groups, folds = cohort
    splits = list(stratified_folds(y, groups, folds, seed))
    assert len(splits) == folds
    assert sorted(np.concatenate([test for _, test in splits]).tolist()) == list(range(len(y)))
    for train, test in splits:
        assert len(test)
        assert sorted([*train, *test]) == list(range(len(y)))
        assert not np.intersect1d(groups[train], groups[test]).size
        assert set(y[train]) == set(y)
        assert (np.diff(train) > 0).all()
        assert (np.diff(test) > 0).all()
    assert _pairs(stratified_folds(y, groups, folds, seed)) == [(a.tolist(), b.tolist()) for a, b in splits]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.lists(st.integers(5, 40), min_size=2, max_size=4), st.integers(0, 1000))
def test_without_groups_every_fold_has_its_share_of_every_class(folds: int, sizes: list[int], seed: int) -> None:
    y = np.repeat(np.arange(len(sizes)), sizes)
    for _, test in stratified_folds(y, np.arange(len(y)), folds, seed):
        for label, size in enumerate(sizes):
            assert abs((y[test] == label).sum() - size / folds) < 1


def test_repeats_and_seeds_differ_and_the_first_repeat_is_the_same_however_many_follow() -> None:
    y, groups = np.arange(60) % 2, np.arange(60)

    def tests(repeats: int, seed: int) -> list[list[int]]:
        return [s.test.tolist() for s in make_splits(CrossValidation(3, repeats), y, groups, None, seed)]

    assert tests(1, 0) == tests(4, 0)[:3]
    assert len({str(t) for t in tests(4, 0)}) == 12
    assert tests(1, 0) != tests(1, 1)


@settings(max_examples=60, deadline=None)
@given(cohorts(), st.integers(0, 999))
def test_holdout_parts_by_subject_and_keeps_every_class(cohort: tuple[np.ndarray, np.ndarray, int], seed: int) -> None:
    y, groups, folds = cohort
    kept, held = holdout(y, groups, folds, seed)
    assert len(held)
    assert sorted([*kept, *held]) == list(range(len(y)))
    assert not np.intersect1d(groups[kept], groups[held]).size
    assert set(y[kept]) == set(y)


@pytest.mark.parametrize("seed", range(20))
def test_holdout_never_gives_away_the_only_subject_of_a_class(seed: int) -> None:
    y = np.array([0, 0, 0, 0, 1, 1, 2])
    groups = np.array([0, 1, 2, 3, 4, 4, 5])
    kept, held = holdout(y, groups, 4, seed)
    assert set(y[kept]) == {0, 1, 2}
    assert set(y[held]) == {0}


def test_holdout_says_when_nobody_can_be_spared() -> None:
    with pytest.raises(DataError, match="single subject"):
        holdout(np.array([0, 0, 1]), np.array([0, 0, 1]), 5, 0)


def test_a_class_with_fewer_subjects_than_folds_is_told() -> None:
    y, groups = np.array([0] * 10 + [1] * 10), np.array([*range(10), *[77] * 6, *[78] * 4])
    with pytest.raises(DataError, match=r"class 1 has 2 subjects, fewer than the 3 folds"):
        check_class_sizes(y, groups, 3)
    check_class_sizes(y, groups, 2)


def test_official_split_is_taken_as_given_and_may_leave_rows_out() -> None:
    test = np.array([False, False, True, True, False])
    train = np.array([True, False, False, False, True])
    one, two = make_splits(OfficialSplit(test, train, repeats=2), np.zeros(5), np.arange(5), None, 0)
    assert (one.repeat, two.repeat) == (0, 1)
    for split in (one, two):
        assert split.train.tolist() == [0, 4]
        assert split.test.tolist() == [2, 3]


def test_each_site_is_the_test_set_once() -> None:
    sites = np.array(["b", "a", "b", "c"])
    splits = make_splits(LeaveOneSiteOut(), np.zeros(4), np.arange(4), sites, 0)
    assert [s.test.tolist() for s in splits] == [[1], [0, 2], [3]]
    assert [s.train.tolist() for s in splits] == [[0, 2, 3], [1, 3], [0, 1, 2]]
    with pytest.raises(DataError, match="name the site column"):
        make_splits(LeaveOneSiteOut(), np.zeros(4), np.arange(4), None, 0)


def test_derived_seeds_are_stable_and_apart() -> None:
    # Recorded once: a change would give every split and model of the past another seed.
    assert derived_seed(0, "split", 0) == derived_seed(0, "split", 0)
    assert len({derived_seed(s, "split", r) for s in range(50) for r in range(50)}) == 2500
    assert all(0 <= derived_seed(s) < 2**31 for s in range(100))
    assert derived_seed("a", "b") != derived_seed("ab")
