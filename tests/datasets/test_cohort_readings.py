"""What the cohorts show can be read: hand-made features find it, masks cover it, and each strength moves its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from fusebench.datasets import Task, load_task

COHORTS = ["lesion-cohort", "glioma-cohort", "retina-cohort", "fetal-cohort", "interview-cohort"]


def values(task: Task, name: str) -> np.ndarray:
    return task.samples.modality(name).values


def within(picture: np.ndarray, mask: np.ndarray, measure: Callable[[np.ndarray], float]) -> np.ndarray:
    """A measure of the pixels of each row inside its mask."""
    return np.array([measure(row[inside]) for row, inside in zip(picture, mask, strict=True)])


def reading(features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What a quadratic regression says of rows that it has not seen."""
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))
    return cross_val_predict(model, features.reshape(len(target), -1), target, cv=5)


def explained(predicted: np.ndarray, target: np.ndarray) -> float:
    """Share of variance that is predicted."""
    return float(1 - np.mean((predicted - target) ** 2) / target.var())


def lesion_features(task: Task) -> list[np.ndarray]:
    """Raggedness of the outline and evenness of the echo; share of colour within the lesion."""
    mask, bmode, doppler = task.truth["mask"], values(task, "bmode")[:, 0], values(task, "doppler")
    area = mask.sum(axis=(1, 2))
    steps = sum(np.abs(np.diff(mask.astype(int), axis=axis)).sum(axis=(1, 2)) for axis in (1, 2))
    coloured = (np.ptp(doppler, axis=1) > 0.2) & mask
    return [
        np.column_stack([steps / np.sqrt(area), *(within(bmode, mask, f) for f in (np.std, np.mean, np.min))]),
        np.column_stack([coloured.sum(axis=(1, 2)) / area, area]),
    ]


def glioma_features(task: Task) -> list[np.ndarray]:
    """Brightness of the tumour's rim; sizes of the brightest part in T2 and of the bright part in FLAIR."""
    mask = task.truth["mask"]
    t1ce, t2, flair = (values(task, name)[:, 0] for name in ("t1ce", "t2", "flair"))
    tumour = mask & (flair > 0.53) & (flair < 0.72)
    brain = np.array([np.median(row[row > 0.3]) for row in t1ce])
    ring = [within(t1ce, part, f) / brain for part in (tumour, mask) for f in (np.mean, lambda x: np.quantile(x, 0.85))]
    sizes = [((picture > level) & mask).sum(axis=(1, 2)) for picture, level in ((t2, 0.82), (t2, 0.55), (flair, 0.72))]
    size = (t1ce < 0.42) & mask
    return [
        np.column_stack(ring),
        np.column_stack([sizes[0], sizes[1], size.sum(axis=(1, 2))]),
        np.column_stack([sizes[2], sizes[1], size.sum(axis=(1, 2))]),
    ]


def retina_features(task: Task) -> list[np.ndarray]:
    """Sizes of the cup and the disc by colour; mean brightness by depth away from the disc; the table."""
    _, green, blue = np.moveaxis(values(task, "fundus"), 1, 0)
    rim = values(task, "oct")[:, 0][:, :, [0, 1, 2, -3, -2, -1]]
    sizes = [(blue > 0.55).sum(axis=(1, 2)), (green > 0.5).sum(axis=(1, 2)), (blue > 0.25).sum(axis=(1, 2))]
    return [np.column_stack(sizes), rim.mean(axis=(2, 3))[:, :12], values(task, "clinical")]


def fetal_features(task: Task) -> list[np.ndarray]:
    """Beat-to-beat variability, spread, and depth of the decelerations."""
    rate = values(task, "signal")[:, 0]
    depth = np.median(rate, axis=1) - np.quantile(rate, 0.03, axis=1)
    return [np.column_stack([np.diff(rate, axis=1).std(axis=1), rate.std(axis=1), depth])]


def interview_features(task: Task) -> list[np.ndarray]:
    """Left less right frontal alpha; pauses and spread of pitch."""
    alpha, pitch = values(task, "bands")[:, :6, 2], values(task, "speech")[:, 0]
    spread = [np.std(row[row > 50]) / np.mean(row[row > 50]) for row in pitch]
    return [
        alpha[:, ::2].mean(axis=1) - alpha[:, 1::2].mean(axis=1),
        np.column_stack([(pitch < 50).mean(axis=1), spread]),
    ]


FEATURES = {
    "lesion-cohort": lesion_features,
    "glioma-cohort": glioma_features,
    "retina-cohort": retina_features,
    "fetal-cohort": fetal_features,
    "interview-cohort": interview_features,
}


@pytest.mark.parametrize("name", COHORTS)
def test_hand_made_features_read_what_is_shown_and_so_the_severity(name: str) -> None:
    task = load_task(name)
    shown, severity = task.truth["shown"], task.truth["severity"]
    read = np.column_stack([reading(f, v) for f, v in zip(FEATURES[name](task), shown.T, strict=True)])
    for m in range(shown.shape[1]):
        assert explained(read[:, m], shown[:, m]) > 0.85, m
    planted = explained(reading(shown, severity), severity)
    assert 0.6 < planted < 0.8
    assert explained(reading(read, severity), severity) > planted - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", COHORTS)
def test_a_linear_rule_on_what_was_read_comes_near_the_best_score_and_not_above(name: str) -> None:
    task = load_task(name, n=2000, seed=1)
    read = [reading(f, v) for f, v in zip(FEATURES[name](task), task.truth["shown"].T, strict=True)]
    read += list(task.truth["facts"].T) if name == "fetal-cohort" else []
    score = cross_val_score(LogisticRegression(), np.column_stack(read), task.y, cv=5).mean()
    # Four standard errors of 2,000 rows.
    assert task.bayes["accuracy"] - 0.05 < score < task.bayes["accuracy"] + 0.036


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
