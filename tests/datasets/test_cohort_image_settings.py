"""Settings of the drawn cohorts: they shape the task, the seed moves it, subjects stay whole, errors are told."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from fusebench.datasets import DataError, load_task

SHAPES: dict[str, tuple[dict[str, Any], list[tuple[str, tuple[int, ...]]]]] = {
    "lesion-cohort": ({"size": 24}, [("image", (1, 24, 24)), ("image", (3, 24, 24))]),
    "glioma-cohort": ({"size": 24}, [("image", (1, 24, 24))] * 3),
    "retina-cohort": (
        {"size": 24, "depth": 12},
        [("image", (3, 24, 24)), ("volume", (1, 12, 12, 12)), ("table", (4,))],
    ),
    "fetal-cohort": ({"size": 24}, [("signal", (2, 480)), ("image", (1, 24, 24)), ("text", ())]),
    "interview-cohort": (
        {"length": 128, "frames": 32},
        [("signal", (16, 128)), ("roi", (16, 5)), ("signal", (8, 32))],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_settings_shape_the_cohort_and_the_seed_moves_it(name: str) -> None:
    options, expected = SHAPES[name]
    task = load_task(name, n=61, **options, seed=5)
    assert [(m.kind, m.shape[1:]) for m in task.samples.modalities] == expected
    assert np.ptp(np.bincount(task.y)) <= 1
    for what, truth in task.truth.items():
        assert len(truth) == 61, what
        assert np.isfinite(truth).all(), what
    assert task.fingerprint == load_task(name, n=61, **options, seed=5).fingerprint
    assert task.fingerprint != load_task(name, n=61, **options, seed=6).fingerprint


@pytest.mark.parametrize("name", SHAPES)
def test_as_it_comes_a_cohort_can_be_split_and_neither_is_perfect_nor_hopeless(name: str) -> None:
    task = load_task(name)
    assert task.card.planted
    assert task.card.disease
    assert any("upper bound" in caveat for caveat in task.card.caveats)
    assert 1.5 / len(task.classes) < task.bayes["accuracy"] < 0.9
    assert len(task.splits()) == 5
    for split in task.splits():
        assert set(task.y[split.train]) == set(task.y[split.test]) == set(range(len(task.classes)))


@pytest.mark.parametrize(
    ("name", "options"), [("lesion-cohort", {"lesions": 4}), ("glioma-cohort", {"slices": 4, "n": 50})]
)
def test_subjects_never_straddle_a_split(name: str, options: dict[str, Any]) -> None:
    task = load_task(name, **options)
    groups = task.samples.groups
    counts = np.unique(groups, return_counts=True)[1]
    assert counts.max() == 4
    assert len(counts) < len(groups)
    for split in task.splits(repeats=2):
        assert not set(groups[split.train]) & set(groups[split.test])


def test_grades_and_biopsies_of_lesions_disagree_at_the_set_rate() -> None:
    by_biopsy = load_task("lesion-cohort", n=1500, size=24, disagreement=0.25)
    by_grade = load_task("lesion-cohort", n=1500, size=24, disagreement=0.25, label="grade")
    assert by_biopsy.classes == ("benign", "malignant")
    assert by_grade.classes == ("2", "3", "4", "5")
    for what, task in (("biopsy", by_biopsy), ("grade", by_grade)):
        assert (task.y == task.truth[what]).all()
        suspect = task.truth["grade"] >= 2
        assert (suspect != task.truth["biopsy"]).mean() == pytest.approx(0.25, abs=4 * 0.43 / np.sqrt(1500))
    assert (by_biopsy.y == by_biopsy.truth["clean"]).all()
    for modality in by_biopsy.samples.names:
        assert (by_biopsy.samples.modality(modality).values == by_grade.samples.modality(modality).values).all()
    # Malignancy rises with the grade.
    share = [by_grade.truth["biopsy"][by_grade.y == grade].mean() for grade in range(4)]
    assert (np.diff(share) > 0).all()
    assert by_grade.bayes["accuracy"] < by_biopsy.bayes["accuracy"]


def test_without_disagreement_the_label_is_the_clean_one() -> None:
    for name in SHAPES:
        task = load_task(name, n=40, disagreement=0, **SHAPES[name][0])
        assert (task.y == task.truth["clean"]).all()
    lesions = load_task("lesion-cohort", n=40, disagreement=0)
    assert ((lesions.truth["grade"] >= 2) == lesions.truth["biopsy"]).all()


def test_glaucoma_comes_in_two_grades_or_three() -> None:
    two, three = load_task("retina-cohort", n=30, grades=2), load_task("retina-cohort", n=30)
    assert (two.classes, three.classes) == (("normal", "glaucoma"), ("normal", "early", "advanced"))
    assert (two.truth["posterior"].shape, three.truth["posterior"].shape) == ((30,), (30, 3))
    assert two.samples.modality("oct").values == pytest.approx(three.samples.modality("oct").values)


COMMON: list[tuple[dict[str, Any], str]] = [
    ({"n": 3}, "n is 3; give a whole number of at least 20"),
    ({"n": True}, "n is True"),
    ({"seed": -1}, "seed is -1"),
    ({"strengths": 3}, "strengths is 3; give"),
    ({"strengths": "ab"}, "strengths is 'ab'; give"),
    ({"strengths": (0.5,)}, "strengths is (0.5,); give"),
    ({"disagreement": 0.5}, "disagreement is 0.5; give a number from 0 to 0.4"),
    ({"disagreement": float("nan")}, "disagreement is nan"),
    ({"rows": 3}, "rows"),
]
OWN: list[tuple[str, dict[str, Any], str]] = [
    *(
        (name, {"size": 8}, "size is 8; give a whole number from 24 to 96")
        for name in SHAPES
        if "size" in SHAPES[name][0]
    ),
    ("lesion-cohort", {"label": "stage"}, "label is 'stage'; give one of biopsy, grade"),
    ("lesion-cohort", {"lesions": 0}, "lesions is 0; give a whole number from 1 to 5"),
    ("lesion-cohort", {"strengths": (0.5, 1.0)}, "strength of doppler is 1.0; give a number from 0 to 0.99"),
    ("glioma-cohort", {"slices": 1.5}, "slices is 1.5"),
    ("glioma-cohort", {"strengths": (0.5, -0.1, 0.2)}, "strength of t2 is -0.1"),
    ("retina-cohort", {"depth": 60}, "depth is 60; give a whole number from 12 to 48"),
    ("retina-cohort", {"grades": 4}, "grades is 4; give a whole number from 2 to 3"),
    ("fetal-cohort", {"strengths": (0.5, "a")}, "strength of facts is 'a'"),
    ("interview-cohort", {"eeg": "image"}, "eeg is 'image'; give one of both, signal, roi"),
    ("interview-cohort", {"length": 64}, "length is 64; give a whole number from 128 to 512"),
    ("interview-cohort", {"frames": 8}, "frames is 8"),
]


@pytest.mark.parametrize("name", SHAPES)
def test_bad_settings_are_told(name: str) -> None:
    own = [(options, message) for task, options, message in OWN if task == name]
    for options, message in COMMON + own:
        with pytest.raises(DataError, match=rf"task '{name}'.*{re.escape(message)}"):
            load_task(name, **options)
