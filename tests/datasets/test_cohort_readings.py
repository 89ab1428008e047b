"""What the cohorts show can be read: from the arrays alone, masks cover it, and each strength moves its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_predict

from fusebench.datasets import Task, load_task
from fusebench.datasets.cohorts.observer_pictures import lesion_outline
from fusebench.datasets.cohorts.observers import OBSERVERS

COHORTS = ["lesion-cohort", "glioma-cohort", "retina-cohort", "fetal-cohort", "interview-cohort"]


def values(task: Task, name: str) -> np.ndarray:
    return task.samples.modality(name).values


def within(picture: np.ndarray, mask: np.ndarray, measure: Callable[[np.ndarray], float]) -> np.ndarray:
    """A measure of the pixels of each row inside its mask."""
    return np.array([measure(row[inside]) for row, inside in zip(picture, mask, strict=True)])


def explained(predicted: np.ndarray, target: np.ndarray) -> float:
    """Share of variance that is predicted."""
    return float(1 - np.mean((predicted - target) ** 2) / target.var())


@pytest.mark.slow
@pytest.mark.parametrize("name", COHORTS)
def test_what_is_shown_can_be_read_from_the_arrays_and_so_the_severity(name: str) -> None:
    task = load_task(name, n=1000)
    shown, severity = task.truth["shown"], task.truth["severity"]
    readings = [reading for reading in OBSERVERS[name] if reading.of]
    assert [reading.of for reading in readings] == [f"shown {m}" for m in range(shown.shape[1])]
    read = np.empty_like(shown)
    for m, reading in enumerate(readings):
        read[:, m] = cross_val_predict(reading.model(), reading.measure(task.samples), shown[:, m], cv=5)
        assert explained(read[:, m], shown[:, m]) > (0.7 if reading.measure is lesion_outline else 0.85), m
    planted = explained(cross_val_predict(LinearRegression(), shown, severity, cv=5), severity)
    assert 0.6 < planted < 0.8
    assert explained(cross_val_predict(LinearRegression(), read, severity, cv=5), severity) > planted - 0.1


@pytest.mark.parametrize("name", COHORTS)
def test_each_strength_moves_its_own_modality_alone(name: str) -> None:
    parts = {
        "lesion-cohort": (("bmode",), ("doppler",)),
        "glioma-cohort": (("t1ce",), ("t2",), ("flair",)),
        "retina-cohort": (("fundus",), ("oct",), ("clinical",)),
        "fetal-cohort": (("signal", "image"), ("text",)),
        "interview-cohort": (("eeg", "bands"), ("speech",)),
    }[name]
    base = [0.7] * len(parts)
    before = load_task(name, n=30, strengths=base)
    for m, own in enumerate(parts):
        after = load_task(name, n=30, strengths=[*base[:m], 0.2, *base[m + 1 :]])
        moved = {x.name for x in after.samples.modalities if not np.array_equal(x.values, values(before, x.name))}
        assert moved == set(own)
        assert after.bayes["accuracy"] < before.bayes["accuracy"]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("lesion-cohort", ("bmode", "doppler")),
        ("glioma-cohort", ("t1ce", "t2", "flair")),
        ("retina-cohort", ("fundus",)),
    ],
)
def test_masks_cover_all_that_severity_changes_and_little_more(name: str, seen: tuple[str, ...]) -> None:
    strong, weak = (load_task(name, n=40, strengths=[r] * (3 - (name == "lesion-cohort"))) for r in (0.9, 0.0))
    either = strong.truth["mask"] | weak.truth["mask"]
    changed = np.zeros_like(either)
    for modality in seen:
        changed |= (values(strong, modality) != values(weak, modality)).any(axis=1)
    assert not (changed & ~either).any()
    assert (changed & either).sum() > 0.5 * either.sum()
    assert strong.truth["mask"].any(axis=(1, 2)).all()
    assert 0.02 < strong.truth["mask"].mean() < 0.4


def test_a_lesion_is_darker_than_the_tissue_around_it_and_has_colour_where_blood_flows() -> None:
    task = load_task("lesion-cohort")
    mask = task.truth["mask"]
    assert (
        within(values(task, "bmode")[:, 0], mask, np.mean) < within(values(task, "bmode")[:, 0], ~mask, np.mean)
    ).all()
    red, green, blue = np.moveaxis(values(task, "doppler"), 1, 0)
    grey = (red == green) & (green == blue)
    assert 0.02 < (~grey & mask).sum() / mask.sum() < 0.5
    assert np.abs(np.mean((red > blue)[~grey & mask]) - 0.5) < 0.1


def test_slices_of_a_glioma_show_the_same_and_are_largest_in_the_middle() -> None:
    task = load_task("glioma-cohort", n=30, slices=3)
    assert len(task) == 90
    assert (task.samples.groups == np.repeat(np.arange(30), 3)).all()
    for what in ("severity", "clean", "posterior"):
        assert (np.ptp(task.truth[what].reshape(30, 3), axis=1) == 0).all()
    sizes = task.truth["mask"].sum(axis=(1, 2)).reshape(30, 3)
    assert (sizes[:, 1] >= sizes[:, [0, 2]].max(axis=1)).all()
    noise = values(task, "t2").reshape(30, 3, -1)
    assert not np.array_equal(noise[:, 0], noise[:, 2])


def test_in_the_retina_thin_layers_lie_within_the_depth_and_the_table_tells_all_that_it_shows() -> None:
    task = load_task("retina-cohort", n=100)
    by_depth = values(task, "oct")[:, 0].mean(axis=(0, 2, 3))
    assert by_depth[:2].max() < 0.2 < by_depth[-2:].max()
    cup, layer, age, pressure = values(task, "clinical").T
    assert (cup - 0.9) / 0.2 + (85 - layer) / 10 == pytest.approx(2 * task.truth["shown"][:, 2])
    assert np.corrcoef(cup, task.truth["shown"][:, 2])[0, 1] < 0.9
    assert 40 < age.mean() < 80
    assert 10 < pressure.mean() < 22
