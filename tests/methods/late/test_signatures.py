"""Late methods on planted tasks: what each rule must reach there, and what it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.datasets import load_task
from fusebench.datasets.samples import Modality, Samples
from fusebench.methods.late.stacking import LateStacking

ONE_A_MODALITY = ["late-max", "late-mean", "late-product", "late-weighted", "late-stacking", "late-boosting"]


def halves(task):
    """Training samples and labels, test samples and labels."""
    n = len(task) // 2
    return task.samples[:n], task.y[:n], task.samples[n:], task.y[n:]


def bayes(task):
    """The true probabilities of the test half, shape (n, 2)."""
    p = task.truth["posterior"][len(task) // 2 :]
    return np.column_stack([1 - p, p])


def with_copy(samples, name):
    """The samples with a modality once more, as "copy"."""
    m = samples.modality(name)
    return Samples([*samples.modalities, Modality("copy", m.kind, m.values)])


@pytest.fixture(scope="module")
def add():
    return load_task("add", n=8000, seed=1)


@pytest.fixture(scope="module")
def xor():
    return load_task("xor", n=1200, seed=1)


def test_the_product_reaches_the_bayes_score_where_evidence_adds_up(add, make, log_loss):
    train, y, test, truth = halves(add)
    proba = make("late-product").fit(train, y).predict_proba(test)
    assert log_loss(proba, truth) == pytest.approx(log_loss(bayes(add), truth), abs=0.01)
    right, best = (np.mean(p.argmax(axis=1) == truth) for p in (proba, bayes(add)))
    assert right == pytest.approx(best, abs=0.01)
    averaged = make("late-mean").fit(train, y).predict_proba(test)
    assert log_loss(averaged, truth) > log_loss(bayes(add), truth) + 0.05


@pytest.mark.parametrize("name", ONE_A_MODALITY)
def test_no_late_rule_solves_xor(name, xor, make):
    train, y, test, truth = halves(xor)
    right = np.mean(make(name, base="concat-svm").fit(train, y).predict(test) == truth)
    assert right == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(len(truth)))


def test_the_hybrid_solves_xor_through_its_early_learner(xor, make):
    train, y, test, truth = halves(xor)
    hybrid = make("late-hybrid").fit(train, y)
    assert np.mean(hybrid.predict(test) == truth) > xor.bayes["accuracy"] - 0.05
    assert hybrid.late_weights_["early"] > 0.9


def test_a_copy_of_a_modality_leaves_the_maximum_alone_and_makes_the_product_too_sure(make, log_loss):
    task = load_task("add", n=2000, seed=2)
    train, y, test, truth = halves(task)
    first, again = (make("late-max").fit(s, y) for s in (train, with_copy(train, "m1")))
    np.testing.assert_allclose(again.predict_proba(with_copy(test, "m1")), first.predict_proba(test), atol=1e-9)
    first, again = (make("late-product").fit(s, y) for s in (train, with_copy(train, "m1")))
    sure = again.predict_proba(with_copy(test, "m1"))
    assert sure.max(axis=1).mean() > first.predict_proba(test).max(axis=1).mean() + 0.01
    assert log_loss(sure, truth) > log_loss(first.predict_proba(test), truth) + 0.01


@pytest.mark.parametrize("settings", [{}, {"calibrated": False}])
def test_an_absent_modality_is_as_if_it_had_never_been_there_for_the_product(settings, make, without):
    task = load_task("add", n=600, seed=3)
    train, y, test, _ = halves(task)
    whole, part = (make("late-product", **settings).fit(s, y) for s in (train, train.select(["m1", "m3"])))
    expected = part.predict_proba(test.select(["m1", "m3"]))
    np.testing.assert_allclose(whole.predict_proba(without(test, m2=True)), expected, atol=1e-12)


def test_validation_weights_single_out_what_helps(make):
    noisy = load_task("add", n=600, strengths=(2.0, 2.0, 1e-6), seed=0)
    assert make("late-weighted").fit(noisy.samples, noisy.y).modality_weights_["m3"] < 0.02
    planted = load_task("add", n=600, strengths=(1.0, 3.0, 1.0), seed=0)
    sharp = make("late-weighted", tau=0.01).fit(planted.samples, planted.y)
    assert sharp.modality_weights_["m2"] == pytest.approx(1.0)
    copies = Samples([Modality(n, "table", planted.samples.modality("m1").values) for n in ("a", "b")])
    for weighting in ("softmax", "inverse"):
        alike = make("late-weighted", weighting=weighting).fit(copies, planted.y)
        assert list(alike.modality_weights_.values()) == pytest.approx([0.5, 0.5])
        np.testing.assert_allclose(
            alike.predict_proba(copies), make("late-mean").fit(copies, planted.y).predict_proba(copies)
        )


def test_given_weights_make_the_mean_a_single_modality(make):
    task = load_task("add", n=300, seed=4)
    one = make("late-mean", weights={"m2": 2.0}, calibrated=False).fit(task.samples, task.y)
    alone = make("concat-logistic").fit(task.samples.select(["m2"]), task.y)
    np.testing.assert_allclose(
        one.predict_proba(task.samples), alone.predict_proba(task.samples.select(["m2"])), atol=1e-12
    )


class InSampleStacking(LateStacking):
    """What must not be done: the second learner sees what experts say of their own training rows."""

    def _honest(self, samples, codes):
        return np.arange(len(codes)), self._spoken(samples)


def test_stacking_stays_at_chance_on_noise_where_in_sample_stacking_does_not(spy, make, log_loss):
    task = load_task("add", n=600, seed=5).permuted(5)
    train, y, test, truth = halves(task)
    honest = make("late-stacking", base="spy").fit(train, y).predict_proba(test)
    fooled = InSampleStacking(base="spy").fit(train, y).predict_proba(test)
    assert log_loss(honest, truth) == pytest.approx(np.log(2), abs=0.02)
    assert log_loss(fooled, truth) > 1.0


@pytest.mark.parametrize("name", ["late-stacking", "late-boosting"])
def test_weights_recover_a_planted_best_modality(name, make):
    task = load_task("add", n=1000, strengths=(0.3, 3.0, 0.3), seed=6)
    weights = make(name).fit(task.samples, task.y).modality_weights_
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights["m2"] > 0.85


def test_one_weight_of_the_hybrid_makes_it_the_early_or_the_late_method(make):
    task = load_task("add", n=300, seed=8)
    train, y, test, _ = halves(task)
    early = make("late-hybrid", early="concat-logistic", early_weight=1.0, calibrated=False).fit(train, y)
    np.testing.assert_allclose(
        early.predict_proba(test), make("concat-logistic").fit(train, y).predict_proba(test), atol=1e-12
    )
    for calibrated in (False, True):
        late = make("late-hybrid", early_weight=0.0, calibrated=calibrated).fit(train, y)
        mean = make("late-mean", calibrated=calibrated).fit(train, y)
        np.testing.assert_allclose(late.predict_proba(test), mean.predict_proba(test), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("n", [40, 80])
def test_the_hybrid_is_not_worse_than_early_fusion_where_evidence_adds_up(n, make, log_loss):
    worse = []
    for seed in range(20):
        task = load_task("add", n=n + 1000, seed=seed)
        train, y, test, truth = task.samples[:n], task.y[:n], task.samples[n:], task.y[n:]
        hybrid, early = (make(name).fit(train, y).predict_proba(test) for name in ("late-hybrid", "concat-svm"))
        worse.append(log_loss(hybrid, truth) - log_loss(early, truth))
    assert np.mean(worse) < 2.09 * np.std(worse, ddof=1) / np.sqrt(len(worse))
