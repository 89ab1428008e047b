"""Inner work of ensembles: who learns from whom, what is not known, and what trials share."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import load_task
from fusebench.datasets.samples import Modality, Samples
from fusebench.methods.late.expert import Expert
from fusebench.methods.sharing import sharing

LEARNERS = ["late-max", "late-weighted", "late-stacking", "late-boosting", "late-hybrid"]


def of_subjects(n=60, rows=3, seed=0):
    """Two modalities, ``rows`` rows a subject, and labels that a subject's rows share."""
    rng = np.random.default_rng(seed)
    subject = np.arange(n) // rows
    y = subject % 2
    values = rng.normal(size=(2, n, 3)) + rng.normal(size=(2, n // rows, 3))[:, subject] + y[:, None]
    return Samples([Modality(f"m{i}", "table", v) for i, v in enumerate(values)], groups=subject), y


@pytest.mark.parametrize("name", LEARNERS)
def test_what_is_learnt_from_experts_comes_from_rows_of_subjects_that_they_have_not_seen(name, spy, make):
    samples, y = of_subjects()
    early = {"early": "spy"} if name == "late-hybrid" else {}
    spy.asked.clear()
    model = make(name, base="spy", **early).fit(samples, y)
    assert len(spy.asked) == 3 * len(model.experts_)
    for learnt, asked in spy.asked:
        assert not set(learnt.groups) & set(asked.groups)
    for expert in range(len(model.experts_)):
        told = np.concatenate([asked.ids for _, asked in spy.asked[3 * expert : 3 * expert + 3]])
        assert sorted(told) == sorted(samples.ids)


def test_bags_are_drawn_by_subject_and_judged_by_those_left_out(spy, make):
    samples, y = of_subjects()
    spy.asked.clear()
    model = make("late-bagging", base="spy", bags=8).fit(samples, y)
    assert len(spy.asked) == 8
    for learnt, asked in spy.asked:
        assert not set(learnt.groups) & set(asked.groups)
        assert set(learnt.groups) | set(asked.groups) == set(samples.groups)
        _, times = np.unique(learnt.ids, return_counts=True)
        assert (np.unique(learnt.groups, return_counts=True)[1] % 3 == 0).all()
        assert times.max() > 1
    said = np.full((8, len(y), 2), np.nan)
    for bag, (expert, (_, asked)) in enumerate(zip(model.experts_.values(), list(spy.asked), strict=True)):
        said[bag, asked.ids] = expert.predict_proba(samples)[asked.ids]
    left_out = ~np.isnan(said).all(axis=(0, 2))
    np.testing.assert_allclose(model.out_of_bag_[left_out], np.nanmean(said[:, left_out], axis=0))
    assert np.isnan(model.out_of_bag_[~left_out]).all()


def test_an_expert_does_not_judge_what_it_has_not_seen():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    here = (y != 2) & (np.arange(60) % 4 > 0)
    samples = Samples([Modality("m", "table", rng.normal(size=(60, 2)) + y[:, None], here)])
    prior = np.full(3, 1 / 3)
    expert = Expert("concat-logistic", ["m"], {}, None, 0, "cpu").fit(samples, y, prior)
    proba = expert.predict_proba(samples)
    np.testing.assert_array_equal(np.isnan(proba).any(axis=1), ~here)
    np.testing.assert_allclose(proba[here, 2], 1 / 3)
    np.testing.assert_allclose(proba[here].sum(axis=1), 1.0)
    np.testing.assert_allclose(expert.prior_, 1 / 3)


def test_an_expert_of_one_class_says_the_prior():
    samples = Samples([Modality("m", "table", np.arange(6.0)[:, None])])
    expert = Expert("concat-logistic", ["m"], {}, None, 0, "cpu").fit(
        samples[:3], np.zeros(3, int), np.array([0.8, 0.2])
    )
    np.testing.assert_allclose(expert.predict_proba(samples), [[0.8, 0.2]] * 6)


def test_trials_that_differ_in_the_rule_alone_share_what_the_experts_say(spy, make):
    task = load_task("add", n=120)
    spy.asked.clear()
    with sharing():
        first = make("late-weighted", base="spy", tau=1.0).fit(task.samples, task.y)
        asked = len(spy.asked)
        second = make("late-weighted", base="spy", tau=0.1).fit(task.samples, task.y)
        assert len(spy.asked) == asked == 9
        make("late-weighted", base="spy", tau=0.1).fit(task.samples, task.y[::-1])
        make("late-weighted", base="spy", tau=0.1).fit(task.samples[::-1], task.y)
        make("late-weighted", base="spy", random_state=1).fit(task.samples, task.y)
        assert len(spy.asked) == 4 * asked
    assert first.losses_ == second.losses_
    alone = make("late-weighted", base="spy", tau=0.1).fit(task.samples, task.y)
    np.testing.assert_array_equal(alone.predict_proba(task.samples), second.predict_proba(task.samples))


def test_seeds_follow_the_names_of_modalities(make):
    task = load_task("add", n=120)
    forest = {"base": "concat-forest", "base_params": {"concat-forest": {"trees": 10}}, "calibrated": False}
    whole = make("late-mean", **forest).fit(task.samples, task.y)
    part = make("late-mean", **forest).fit(task.samples.select(["m3", "m1"]), task.y)
    for name in ("m1", "m3"):
        np.testing.assert_array_equal(
            part.experts_[name].predict_proba(task.samples), whole.experts_[name].predict_proba(task.samples)
        )
    assert len({expert.seed for expert in whole.experts_.values()}) == 3


def test_parameters_and_operations_are_those_of_the_experts(make):
    task = load_task("add", n=120)
    model = make("late-mean", calibrated=False).fit(task.samples, task.y)
    alone = [make("concat-logistic").fit(task.samples.select([m]), task.y).cost() for m in task.samples.names]
    assert model.cost() == {key: sum(cost[key] for cost in alone) for key in ("parameters", "flops")}
    assert "flops" not in make("late-mean", base="naive-bayes").fit(task.samples, task.y).cost()
