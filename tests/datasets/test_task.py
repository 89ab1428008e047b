"""Task: what cannot be a task is told, and the fingerprint moves with everything that a result depends on."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusebench.datasets import (
    CrossValidation,
    DataError,
    LeaveOneSiteOut,
    Modality,
    OfficialSplit,
    Samples,
    Task,
    TaskCard,
)

CARD = TaskCard("toy", "Toy")


def make(**changes: Any) -> Task:
    """Twelve rows of six subjects; arguments replace parts of it."""
    values = np.arange(24.0).reshape(12, 2)
    values[:, 1] %= 3
    modality = Modality(
        "m",
        "table",
        changes.pop("values", values),
        present=changes.pop("present", None),
        features=changes.pop("features", ("a", "b")),
        categories=changes.pop("categories", {}),
    )
    samples = Samples(
        [modality],
        ids=changes.pop("ids", np.arange(12)),
        groups=changes.pop("groups", np.arange(12) // 2),
        sites=changes.pop("sites", np.arange(12) % 3),
    )
    settings = {"samples": samples, "y": np.arange(12) // 2 % 2, "classes": ("no", "yes"), "card": CARD} | changes
    return Task(**settings)


def test_labels_are_copied_and_read_only_through_pickle() -> None:
    y = np.arange(12) // 2 % 2
    task = make(y=y)
    y[0] = 1
    assert task.y[0] == 0
    for one in (task, pickle.loads(pickle.dumps(task))):
        with pytest.raises(ValueError, match="read-only"):
            one.y[0] = 1


def test_splits_take_folds_and_repeats() -> None:
    task = make(protocol=CrossValidation(2, 1))
    assert len(task.splits()) == 2
    assert len(task.splits(folds=3, repeats=4)) == 12
    official = make(protocol=OfficialSplit(np.arange(12) >= 8))
    assert len(official.splits(folds=3, repeats=4)) == 4
    assert len(make(protocol=LeaveOneSiteOut(), groups=np.arange(12)).splits()) == 3


def test_permuted_keeps_class_counts_and_forgets_the_bayes_score() -> None:
    task = make(bayes={"accuracy": 0.9}, truth={"bits": np.zeros(12)})
    other = task.permuted(seed=3)
    assert np.bincount(other.y).tolist() == np.bincount(task.y).tolist()
    assert (other.y != task.y).any()
    assert not other.bayes
    assert not other.truth


def _infinite() -> np.ndarray:
    values = np.ones((12, 2))
    values[7, 1] = np.inf
    return values


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"y": np.zeros(11, int)}, ["12 samples", "(11,)"]),
        ({"y": np.zeros(12, int)}, ["only one class (no)"]),
        ({"y": np.arange(12) % 3}, ["codes 0..1"]),
        ({"classes": ("no", "yes", "maybe")}, ["'maybe' has no rows"]),
        ({"values": _infinite()}, ["'m'", "row 7", "'b'", "infinite"]),
        ({"values": np.c_[np.ones(12), np.full(12, np.nan)]}, ["column 'b' has no value", "remove it"]),
        ({"present": np.zeros(12, bool)}, ["'m' is absent in every row"]),
        ({"categories": {"b": ("x", "y")}}, ["row 2, column 'b'", "no code of its 2 categories"]),
        ({"protocol": OfficialSplit(np.arange(12) >= 7)}, ["both sides", "move all rows of a subject"]),
        ({"protocol": OfficialSplit(np.zeros(12, bool))}, ["no test rows"]),
        ({"protocol": OfficialSplit(np.ones(12, bool))}, ["no training rows"]),
        ({"protocol": OfficialSplit(np.ones(5, bool))}, ["one flag for each of the 12 rows"]),
        ({"protocol": OfficialSplit(np.arange(12) >= 8, np.arange(12) < 10)}, ["2 rows are in both parts"]),
        ({"protocol": OfficialSplit(np.arange(12) >= 2)}, ["'yes' has no training rows"]),
        ({"protocol": LeaveOneSiteOut(), "sites": None}, ["site"]),
        ({"protocol": LeaveOneSiteOut(), "sites": np.zeros(12)}, ["at least two sites"]),
        ({"protocol": LeaveOneSiteOut()}, ["subject '0'", "site '0'", "each subject at one site"]),
        (
            {"protocol": LeaveOneSiteOut(), "groups": np.arange(12), "sites": np.arange(12) // 2 % 2},
            ["class 'no' occurs at site '0' only"],
        ),
    ],
)
def test_what_cannot_be_a_task_is_told(changes: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        make(**changes)
    for part in ("toy", *parts):
        assert part in str(caught.value)


def test_a_class_with_fewer_subjects_than_folds_is_named() -> None:
    with pytest.raises(DataError, match=r"class 'no' has 3 subjects, fewer than the 5 folds.*--folds"):
        make().splits()


def _changed_value() -> np.ndarray:
    values = make().samples.modality("m").values.copy()
    values[11, 0] += 1e-9
    return values


CHANGES: list[dict[str, Any]] = [
    {"values": _changed_value()},
    {"features": ("a", "c")},
    {"present": np.arange(12) != 3},
    {"categories": {"b": ("x", "y", "z")}},
    {"y": 1 - np.arange(12) // 2 % 2},
    {"classes": ("no", "Yes")},
    {"ids": np.arange(12) + 1},
    {"groups": np.arange(12)},
    {"sites": np.arange(12) % 2},
    {"sites": None},
    {"protocol": CrossValidation(3, 1)},
    {"protocol": CrossValidation(5, 2)},
    {"protocol": OfficialSplit(np.arange(12) >= 8)},
    {"protocol": OfficialSplit(np.arange(12) >= 10)},
    {"protocol": OfficialSplit(np.arange(12) >= 8, np.arange(12) < 6)},
    {"card": TaskCard("other", "Toy")},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_the_fingerprint_moves_with(changes: dict[str, Any]) -> None:
    assert make(**changes).fingerprint != make().fingerprint


def test_no_two_changes_have_one_fingerprint() -> None:
    assert len({make(**changes).fingerprint for changes in CHANGES}) == len(CHANGES)


def test_the_fingerprint_stays_when_nothing_changes_that_matters() -> None:
    task = make()
    assert task.fingerprint == make().fingerprint
    assert task.fingerprint == replace(task, card=TaskCard("toy", "Another title")).fingerprint
    assert task.fingerprint == replace(task, bayes={"accuracy": 1.0}).fingerprint
    assert task.fingerprint == pickle.loads(pickle.dumps(task)).fingerprint
    rows = np.arange(12)
    assert task.fingerprint == replace(task, samples=task.samples[rows]).fingerprint


def test_the_fingerprint_of_a_part_is_that_of_the_same_values_made_anew() -> None:
    task = make()
    part = Task(task.samples[4:], task.y[4:], task.classes, CARD)
    anew = make(
        values=task.samples.modality("m").values[4:].copy(),
        ids=np.arange(4, 12),
        groups=np.arange(4, 12) // 2,
        sites=np.arange(4, 12) % 3,
        y=task.y[4:],
    )
    assert part.fingerprint == anew.fingerprint
