"""Ensembles where data are missing, few or uneven: probabilities that make sense, never an error."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fusebench.datasets import load_task
from fusebench.datasets.samples import Modality, Samples

EVERY = [
    "late-max",
    "late-mean",
    "late-product",
    "late-weighted",
    "late-stacking",
    "late-boosting",
    "late-bagging",
    "late-hybrid",
]


def proper(proba, n, k):
    assert proba.shape == (n, k)
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)


def shifted(y, names=("a", "b"), absent=None, seed=0):
    """One table of three columns a modality, in which class c stands out at c; flags ``absent`` (n,) by name."""
    rng = np.random.default_rng(seed)
    made = []
    for name in names:
        x = rng.normal(size=(len(y), 3))
        x[np.arange(len(y)), y % 3] += 4.0 + y // 3
        made.append(Modality(name, "table", x, None if name not in (absent or {}) else ~absent[name]))
    return Samples(made)


@pytest.mark.parametrize("name", EVERY)
def test_any_subset_of_modalities_is_predicted_after_training_with_gaps(name, make, without):
    task = load_task("add", n=400, strengths=(2.0, 2.0, 2.0), seed=1)
    rng = np.random.default_rng(0)
    train = without(task.samples[:200], **{m: rng.random(200) < 0.3 for m in task.samples.names})
    model = make(name).fit(train, task.y[:200])
    test, y = task.samples[200:], task.y[200:]
    right = {}
    for size in range(4):
        for kept in itertools.combinations(test.names, size):
            proba = model.predict_proba(without(test, **dict.fromkeys(set(test.names) - set(kept), True)))
            proper(proba, 200, 2)
            right[kept] = np.mean(proba.argmax(axis=1) == y)
    np.testing.assert_allclose(proba_of_nothing(model, test, without), np.tile(model.prior_, (200, 1)), atol=1e-6)
    assert all(score > 0.7 for kept, score in right.items() if kept)
    assert right[test.names] > max(right[("m1",)], right[("m2",)], right[("m3",)]) - 0.03


def proba_of_nothing(model, test, without):
    return model.predict_proba(without(test, **dict.fromkeys(test.names, True)))


@pytest.mark.parametrize("name", EVERY)
def test_a_modality_that_no_training_row_has_is_left_out(name, make, without):
    task = load_task("add", n=200, seed=2)
    train = without(task.samples[:100], m2=True)
    model = make(name).fit(train, task.y[:100])
    proper(model.predict_proba(task.samples[100:]), 100, 2)
    only = without(task.samples[100:], m1=True, m3=True)
    assert np.abs(model.predict_proba(only) - model.prior_).max() < 1e-6 or name in ("late-bagging", "late-hybrid")
    if name != "late-bagging":
        assert "no training row has m2: it has no expert" in model.notes_
    nothing = make(name).fit(without(train, m1=True, m3=True), task.y[:100])
    np.testing.assert_allclose(nothing.predict_proba(task.samples[100:]), np.tile(nothing.prior_, (100, 1)), atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("names", [("a",), ("a", "b")])
def test_one_row_a_class_and_one_modality(name, names, make):
    y = np.arange(6)
    model = make(name).fit(shifted(y, names), y)
    proper(model.predict_proba(shifted(np.arange(12) % 6, names, seed=1)), 12, 6)
    alone = make(name).fit(shifted(np.zeros(3, int), names), np.zeros(3, int))
    np.testing.assert_array_equal(alone.predict_proba(shifted(y, names)), np.ones((6, 1)))


@pytest.mark.parametrize("name", ["late-max", "late-mean", "late-product", "late-weighted", "late-hybrid"])
def test_with_one_row_a_class_the_experts_are_believed_as_they_are(name, make):
    """No row can be judged, so that nothing may be learnt of how far to trust them."""
    y = np.arange(3)
    model = make(name).fit(shifted(y), y)
    assert set(model.temperatures_.values()) == {1.0}
    assert np.mean(model.predict(shifted(np.arange(60) % 3, seed=1)) == np.arange(60) % 3) > 0.8


@pytest.mark.parametrize("name", EVERY)
def test_forty_classes(name, make):
    y = np.arange(240) % 40
    rng = np.random.default_rng(0)
    means = rng.normal(size=(2, 40, 6)) * 3

    def sampled():
        return Samples([Modality(f"m{i}", "table", m[y] + rng.normal(size=(240, 6))) for i, m in enumerate(means)])

    model = make(name).fit(sampled(), y)
    proba = model.predict_proba(sampled())
    proper(proba, 240, 40)
    assert np.mean(proba.argmax(axis=1) == y) > 0.5


@pytest.mark.parametrize("name", EVERY)
def test_a_class_that_one_modality_has_never_seen_is_still_found_through_the_other(name, make):
    y = np.arange(150) % 3
    model = make(name).fit(shifted(y, absent={"a": y == 2}), y)
    proba = model.predict_proba(shifted(y, absent={"a": y == 2}, seed=1))
    proper(proba, 150, 3)
    assert np.mean(proba.argmax(axis=1)[y == 2] == 2) > 0.8
    only_a = model.predict_proba(shifted(y, absent={"b": np.ones(150, bool)}, seed=1))
    proper(only_a, 150, 3)
    if name in ("late-max", "late-mean", "late-weighted"):
        np.testing.assert_allclose(only_a[:, 2], 1 / 3)  # what an expert has not seen keeps its prior


@pytest.mark.parametrize("name", ["late-product", "late-stacking"])
def test_being_measured_is_not_taken_for_evidence(name, make):
    """Modality b is noise, but the sick have it measured more often: its presence says nothing that it measures."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    here = rng.random(2000) < np.where(y == 1, 0.9, 0.3)
    a = Modality("a", "table", rng.normal(size=(2000, 1)) + y[:, None])
    b = Modality("b", "table", rng.normal(size=(2000, 1)), here)
    proba = make(name).fit(Samples([a, b]), y).predict_proba(Samples([a, b]))[:, 1]
    alone = make(name).fit(Samples([a]), y).predict_proba(Samples([a]))[:, 1]
    assert np.abs(proba - alone).max() < 0.05


def test_a_modality_called_early_does_not_disturb_the_hybrid(make):
    y = np.arange(90) % 3
    model = make("late-hybrid").fit(shifted(y, ("early", "b")), y)
    assert set(model.late_weights_) == {"early fusion", "early", "b"}
    assert np.mean(model.predict(shifted(y, ("early", "b"), seed=1)) == y) > 0.9
