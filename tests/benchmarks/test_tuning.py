"""Tuning: an equal budget, defaults first, honest out-of-fold probabilities."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fusebench.benchmarks.job import Budget
from fusebench.benchmarks.out_of_fold import check_proba
from fusebench.benchmarks.tuning import log_loss, tune
from fusebench.datasets import Samples
from fusebench.datasets.splits import inner_folds
from fusebench.methods import Choice, Method, MethodCard, Real, Whole


class Spy(Method):
    """Predicts training frequencies shifted by a setting, and notes what it was given."""

    card = MethodCard(name="spy", family="other", fusion="none")
    seen: list = []  # noqa: RUF012 - shared on purpose, cleared by the fixture

    def __init__(self, shift=0.5, leaf=3, mode="a", random_state=0):
        self.shift, self.leaf, self.mode, self.random_state = shift, leaf, mode, random_state

    @classmethod
    def search_space(cls):
        return {"shift": Real(0.0, 1.0), "leaf": Whole(1, 9), "mode": Choice(("a", "b"))}

    def fit(self, samples, y):
        self.classes_ = np.unique(y)
        self.seen.append((self.get_params(), samples.ids.copy()))
        if self.mode == "fail":
            raise ValueError("bad mode")
        self.p_ = (1 - self.shift) * np.bincount(y)[self.classes_] / len(y) + self.shift / len(self.classes_)
        return self

    def predict_proba(self, samples):
        self.seen[-1] += (samples.ids.copy(),)
        return np.tile(self.p_, (len(samples), 1))


@pytest.fixture
def data():
    Spy.seen.clear()
    rng = np.random.default_rng(0)
    y = np.array([0] * 30 + [1] * 10)
    return Samples.from_arrays({"a": rng.normal(size=(40, 2))}, groups=np.arange(40) // 2), y


def test_budget_is_spent_exactly_and_defaults_come_first(data):
    tuned = tune(Spy, {}, *data, 2, Budget(6, 4), seed=1)
    assert len(tuned.trials) == 6
    assert len(Spy.seen) == 24
    assert Spy.seen[0][0]["shift"] == 0.5
    assert tuned.trials[0]["params"] == {"shift": 0.5, "leaf": 3, "mode": "a"}
    losses = [trial["loss"] for trial in tuned.trials]
    best = tuned.trials[int(np.argmin(losses))]["params"]
    assert {k: tuned.params[k] for k in best} == best
    assert log_loss(data[1], tuned.val_proba) == min(losses)


def test_out_of_fold_rows_are_never_trained_on_and_subjects_never_straddle(data):
    samples, y = data
    tune(Spy, {}, samples, y, 2, Budget(1, 3), seed=1)
    held = []
    for _, trained, predicted in Spy.seen:
        assert not set(trained) & set(predicted)
        assert not set(trained // 2) & set(predicted // 2)
        held += list(predicted)
    assert sorted(held) == list(range(40))


def test_what_the_user_fixed_is_not_tuned(data):
    tuned = tune(Spy, {"leaf": 7}, *data, 2, Budget(4, 2), seed=1)
    assert {seen[0]["leaf"] for seen in Spy.seen} == {7}
    assert tuned.params["leaf"] == 7


def test_same_seed_same_trials_other_seed_others(data):
    one, again, other = (tune(Spy, {}, *data, 2, Budget(4, 2), seed=s).trials for s in (1, 1, 2))
    assert one == again
    assert one[1:] != other[1:]


def test_a_setting_that_fails_does_not_end_the_search(data, monkeypatch):
    monkeypatch.setattr(Spy, "search_space", classmethod(lambda cls: {"mode": Choice(("fail", "a"))}))
    tuned = tune(Spy, {}, *data, 2, Budget(8, 2), seed=0)
    assert tuned.params["mode"] == "a"
    assert any(trial["loss"] is None and "bad mode" in trial["error"] for trial in tuned.trials)
    with pytest.raises(ValueError, match="bad mode"):
        tune(Spy, {"mode": "fail"}, *data, 2, Budget(3, 2), seed=0)


def test_a_default_outside_the_space_is_still_the_first_trial(data, monkeypatch):
    monkeypatch.setattr(Spy, "search_space", classmethod(lambda cls: {"shift": Real(0.8, 0.9)}))
    tuned = tune(Spy, {}, *data, 2, Budget(3, 2), seed=0)
    assert tuned.trials[0]["params"] == {"shift": 0.5}
    assert len(tuned.trials) == 3


def test_values_at_the_edge_are_told(data, monkeypatch):
    monkeypatch.setattr(Spy, "search_space", classmethod(lambda cls: {"leaf": Whole(3, 4), "mode": Choice(("a", "b"))}))
    assert tune(Spy, {}, *data, 2, Budget(3, 2), seed=0).at_edge == ["leaf"]


def test_a_single_row_of_a_class_does_not_stop_the_inner_split():
    y = np.array([0] * 11 + [1])
    folds = inner_folds(y, np.arange(12), 3, seed=0)
    assert sorted(np.concatenate([held for _, held in folds])) == list(range(12))


def test_log_loss_by_hand():
    proba = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert log_loss(np.array([1, 0]), proba) == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2)


def test_probabilities_are_checked():
    method = Spy()
    method.classes_ = np.array([0, 1])
    good = np.array([[0.2, 0.8]])
    np.testing.assert_array_equal(check_proba(method, good.astype(np.float32), 1).round(6), good)
    for bad in (good * 2, good[:, :1], np.array([[np.nan, 1.0]]), np.array([[-0.5, 1.5]])):
        with pytest.raises(ValueError, match="predict_proba gave"):
            check_proba(method, bad, 1)


# Fits side by side


class Clock:
    """Seconds that pass when told."""

    now = 0.0


class Slow(Spy):
    """Takes ten seconds a fit alone, and one for any number side by side; ``fails`` names a mode that cannot be had."""

    stacks = 1
    asked: list = []  # noqa: RUF012 - shared on purpose, cleared by the fixture

    def fit(self, samples, y):
        Clock.now += 10.0
        return super().fit(samples, y)

    @classmethod
    def fit_together(cls, methods, samples, y):
        cls.asked.append(len(methods))
        errors = []
        for method, own, labels in zip(methods, samples, y, strict=True):
            try:
                Spy.fit(method, own, labels)
                errors.append(None)
            except ValueError as error:
                errors.append(error)
        Clock.now += 1.0
        return SimpleNamespace(errors=errors, stacked=len(methods) * cls.stacks)


@pytest.fixture
def slow(monkeypatch):
    Clock.now = 0.0
    Slow.asked.clear()
    monkeypatch.setattr("fusebench.benchmarks.cost.time.perf_counter", lambda: Clock.now)
    return Slow


def test_side_by_side_gives_the_same_trials(data, slow):
    budget = Budget(8, 3)
    plain, together = tune(Spy, {}, *data, 2, budget, seed=1), tune(slow, {}, *data, 2, budget, seed=1)
    assert together.trials == plain.trials
    assert together.params == plain.params
    np.testing.assert_array_equal(together.val_proba, plain.val_proba)
    # The first trials at once but for one fit, then trial by trial.
    assert slow.asked == [14, 3, 3, 3]
    assert (plain.spared, plain.notes) == ((0.0, 0.0), [])


def test_a_trial_of_default_outside_the_space_changes_nothing_in_the_sequence(data, slow, monkeypatch):
    monkeypatch.setattr(Spy, "search_space", classmethod(lambda cls: {"shift": Real(0.8, 0.9)}))
    plain, together = (tune(cls, {}, *data, 2, Budget(9, 2), seed=3).trials for cls in (Spy, slow))
    assert together == plain


def test_fits_side_by_side_cost_what_one_costs_alone(data, slow):
    tuned = tune(slow, {}, *data, 2, Budget(6, 3), seed=1)
    took = Clock.now
    assert took == 10.0 + 2 * 1.0
    assert took + tuned.spared[0] == 18 * 10.0
    assert tuned.notes == ["tuning trained 17 fits side by side; its cost counts each as long as one measured alone"]


def test_fits_that_could_not_be_stacked_cost_what_they_took(data, slow, monkeypatch):
    monkeypatch.setattr(slow, "stacks", 0)
    tuned = tune(slow, {}, *data, 2, Budget(3, 3), seed=1)
    assert (tuned.spared, tuned.notes) == ((0.0, 0.0), [])


def test_a_setting_that_fails_side_by_side_does_not_end_the_search(data, slow, monkeypatch):
    monkeypatch.setattr(Spy, "search_space", classmethod(lambda cls: {"mode": Choice(("fail", "a"))}))
    plain, together = (tune(cls, {}, *data, 2, Budget(8, 2), seed=0) for cls in (Spy, slow))
    assert together.trials == plain.trials
    assert any(trial["loss"] is None for trial in together.trials)
    with pytest.raises(ValueError, match="bad mode"):
        tune(slow, {"mode": "fail"}, *data, 2, Budget(3, 2), seed=0)


def test_networks_are_tuned_to_the_same_numbers_side_by_side(data, monkeypatch):
    additive = pytest.importorskip("fusebench.methods.neural.additive")
    samples, y = data
    fixed = {"hidden": 8, "max_epochs": 4}
    together = tune(additive.NeuralAdditive, fixed, samples, y, 2, Budget(6, 2), seed=1)
    assert "11 fits side by side" in together.notes[0]
    monkeypatch.setattr(additive.NeuralAdditive, "fit_together", None)
    alone = tune(additive.NeuralAdditive, fixed, samples, y, 2, Budget(6, 2), seed=1)
    assert [t["params"] for t in together.trials[:5]] == [t["params"] for t in alone.trials[:5]]
    for one, other in zip(alone.trials, together.trials, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], abs=1e-5)
    np.testing.assert_allclose(together.val_proba, alone.val_proba, atol=1e-5)
