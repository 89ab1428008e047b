"""Learning curves and training scores: nested whole subjects, keys of before, and a run from end to end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusebench.benchmarks import ResultStore, Suite, TaskSpec, run
from fusebench.benchmarks.job import Budget, Job
from fusebench.benchmarks.records import read_records
from fusebench.benchmarks.suite import MethodSpec, load_suite
from fusebench.benchmarks.training_rows import MOST, training_rows
from fusebench.datasets import DataError
from fusebench.datasets.splits import part_of

JOB = Job(
    task="t", fingerprint="f" * 64, method="m", label="m", params="{}", modalities=(), folds=5, repeat=0, fold=0,
    seed=0, budget=Budget(), source="s",
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(20, 120), st.integers(1, 3))
def test_parts_nest_keep_subjects_whole_and_hold_every_class(seed, n, rows):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n), rows)
    y = np.repeat(np.arange(n) % 3, rows)
    train = np.sort(rng.choice(n * rows, n * rows - 10, replace=False))
    before: set[int] = set()
    for fraction in (0.1, 0.3, 0.7, 1.0):
        part = part_of(y, groups, train, fraction, seed)
        assert (np.diff(part) > 0).all()
        assert before <= set(part) <= set(train)
        outside = np.setdiff1d(train, part)
        assert not set(groups[part]) & set(groups[outside])
        assert set(y[part]) == set(y[train])
        before = set(part)
    assert before == set(train)
    small = part_of(y, groups, train, 0.3, seed)
    assert abs(len(small) - 0.3 * len(train)) < 8 * rows + 2


def test_names_of_subjects_do_not_matter():
    """The store keeps subjects as codes: the same rows must come out."""
    groups = np.array([f"s{i:03d}" for i in range(60)])
    y, train = np.arange(60) % 2, np.arange(0, 60, 2)
    codes = np.unique(groups, return_inverse=True)[1]
    np.testing.assert_array_equal(part_of(y, groups, train, 0.4, 3), part_of(y, codes, train, 0.4, 3))


def test_keys_of_whole_jobs_are_those_of_before():
    from dataclasses import replace

    assert JOB.key == "3f54ee0e470985c013d4d3345ce6b32cc903cef86b41f3c76b086aa69e9a3edb"
    assert JOB.derived_seed == 582119652
    part = replace(JOB, fraction=0.5)
    assert part.key != JOB.key
    assert "50% of the rows" in part.what
    plain = JOB.to_dict()
    del plain["fraction"]
    assert Job.from_dict(plain) == JOB


def test_training_rows_are_drawn_by_the_seed():
    assert len(training_rows(50, 1)) == 50
    drawn = training_rows(5000, 1)
    assert len(drawn) == MOST
    np.testing.assert_array_equal(drawn, training_rows(5000, 1))
    assert not np.array_equal(drawn, training_rows(5000, 2))


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    out = tmp_path_factory.mktemp("parts")
    suite = Suite(
        "parts",
        tasks=(TaskSpec("breast-cancer"), TaskSpec("xor", {"n": 120})),
        methods=(MethodSpec("concat-logistic"), MethodSpec("prior")),
        fractions=(0.2, 0.5),
        fraction_methods=("concat-logistic",),
        fraction_tasks=("breast-cancer",),
        folds=3,
    )
    run(suite, out=out).close()
    with ResultStore(out) as store:
        return read_records(store)


def test_a_run_with_learning_curves(records):
    frame = records["outcomes"]
    assert (frame["status"] == "ok").all()
    parts = frame[frame["fraction"] < 1]
    assert set(parts["method"]) == {"concat-logistic"}
    assert set(parts["task"]) == {"breast-cancer"}
    assert len(parts) == 2 * 3
    assert not parts["full"].any()
    sizes = frame[(frame["task"] == "breast-cancer") & (frame["method"] == "concat-logistic")]
    means = sizes.groupby("fraction")["n_train"].mean()
    np.testing.assert_allclose(means.to_numpy() / means[1.0], [0.2, 0.5, 1.0], atol=0.02)
    for row in parts.itertuples():
        whole = frame[frame["full"] & (frame["fold"] == row.fold) & (frame["task"] == row.task)].iloc[0]
        np.testing.assert_array_equal(row.rows, whole["rows"])
        assert len(row.val_y) == row.n_train == len(row.val_proba)


def test_training_rows_score_better_than_test_rows(records):
    frame = records["outcomes"]
    own = frame[(frame["method"] == "concat-logistic") & (frame["task"] == "xor")]
    fitted = np.concatenate([p.argmax(axis=1) == y for p, y in zip(own["train_proba"], own["train_y"], strict=True)])
    tested = np.concatenate([p.argmax(axis=1) == y for p, y in zip(own["proba"], own["y"], strict=True)])
    assert fitted.mean() > tested.mean() + 0.05  # noise is learnt, and no test row was among the fitted ones
    assert [len(p) for p in own["train_proba"]] == [80, 80, 80]


def test_suite_files_take_fractions(write):
    path = write("s.toml", 'fractions = [0.1, 0.5]\nfraction_tasks = ["xor"]\n[[tasks]]\nname = "xor"')
    suite = load_suite(str(path))
    assert suite.fractions == (0.1, 0.5)
    assert suite.fraction_tasks == ("xor",)
    for wrong in ("[1.5]", '["half"]', "[0]", "[true]"):
        with pytest.raises(DataError, match="give shares below 1"):
            load_suite(str(write("w.toml", f'fractions = {wrong}\n[[tasks]]\nname = "xor"')))
    names = {spec.label for spec in load_suite("claims").methods}
    assert set(load_suite("claims").fraction_methods) <= names
