"""Powers of likelihoods: 1 where evidence can be taken at its word, less where it is counted many times."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import log_loss

from fusebench.datasets import Samples, load_task
from fusebench.methods.graphical.gaussian_naive_bayes import GaussianNaiveBayes
from fusebench.methods.graphical.grid_field import GridField
from fusebench.methods.graphical.hidden_markov import HiddenMarkov
from fusebench.methods.graphical.tempering import power
from fusebench.reports.metrics.calibration import expected_calibration_error

PRIOR = np.array([0.5, 0.3, 0.2])


def evidence(n=4000, times=1, seed=0):
    """Log-likelihoods of three classes by which labels are drawn, counted so many times."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(size=(n, 3))
    draws = softmax(np.log(PRIOR) + logs, axis=1).cumsum(axis=1)
    return times * logs, (rng.random((n, 1)) > draws).sum(axis=1).clip(max=2)


@pytest.mark.parametrize("times", [1, 3, 30, 1000])
def test_evidence_that_is_counted_many_times_gets_the_inverse_as_its_power(times):
    assert power(*evidence(times=times), PRIOR) == pytest.approx(1 / times, rel=0.15)


def test_timid_evidence_is_left_exactly_as_it_is():
    logs, codes = evidence()
    assert power(0.5 * logs, codes, PRIOR) == 1.0
    assert power(np.zeros((5, 3)), np.zeros(5, dtype=int), PRIOR) == 1.0
    assert power(np.zeros((0, 3)), np.zeros(0, dtype=int), PRIOR) == 1.0


def test_the_power_is_the_maximum_that_it_claims_to_be():
    logs, codes = evidence(60, times=20)

    def loss(w):
        return -np.log(w) - log_softmax(np.log(PRIOR) + w * logs, axis=1)[np.arange(60), codes].sum()

    best = minimize_scalar(loss, bounds=(1e-6, 1), method="bounded", options={"xatol": 1e-10}).x
    shifted = logs + np.random.default_rng(1).normal(size=(60, 1))
    assert power(shifted, codes, PRIOR) == pytest.approx(best, rel=1e-4)


def test_evidence_that_is_wrong_throughout_keeps_a_power_above_zero():
    codes = np.arange(300) % 3
    assert 0 < power(-1e6 * np.eye(3)[codes], codes, PRIOR) < 1e-6


def test_a_signal_that_repeats_each_point_does_not_count_each_repetition():
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    points = rng.normal(size=(400, 1, 5)) + 0.4 * y[:, None, None]
    train, test = slice(0, 200), slice(200, 400)

    def losses(times, tempered):
        samples = Samples.from_arrays({"x": points.repeat(times, axis=2)}, kinds={"x": "signal"})
        model = HiddenMarkov(states=1, tempered=tempered).fit(samples[train], y[train])
        return log_loss(y[test], model.predict_proba(samples[test])), model.powers_["x"]

    once, often = losses(1, True), losses(40, True)
    assert often[1] < 0.1 < once[1]
    assert often[0] < once[0] + 0.03
    assert losses(40, False)[0] > 2 * often[0]


def test_series_of_interviews_give_probabilities_that_can_be_used():
    task = load_task("interview-cohort", eeg="signal", n=240)
    train, test = np.arange(240) < 160, np.arange(240) >= 160
    scores = {}
    for tempered in (False, True):
        model = HiddenMarkov(max_iter=5, tempered=tempered).fit(task.samples[train], task.y[train])
        proba = model.predict_proba(task.samples[test])
        scores[tempered] = log_loss(task.y[test], proba), expected_calibration_error(task.y[test], proba)
    assert scores[False][0] > 1.5
    assert scores[True][0] < np.log(2)
    assert scores[True][1] < scores[False][1]
    assert max(model.powers_.values()) < 0.1
    assert sum("to the power" in note for note in model.notes_) == 2


def test_chains_of_hidden_states_as_the_model_takes_them_are_not_tempered():
    task = load_task("window", n=400)
    fitted = [HiddenMarkov(tempered=tempered).fit(task.samples, task.y) for tempered in (True, False)]
    assert set(fitted[0].powers_.values()) == {1.0}
    np.testing.assert_array_equal(*(model.predict_proba(task.samples) for model in fitted))


@pytest.mark.parametrize("cls", [GridField, GaussianNaiveBayes])
def test_other_methods_of_factors_share_it(cls):
    task = load_task("spatial" if cls is GridField else "breast-cancer")
    half = np.arange(len(task.y)) % 2 == 0
    loss = {}
    for tempered in (False, True):
        model = cls(tempered=tempered).fit(task.samples[half], task.y[half])
        loss[tempered] = log_loss(task.y[~half], model.predict_proba(task.samples[~half]))
    assert loss[True] < loss[False]
    assert not GaussianNaiveBayes().tempered  # naive Bayes is what it is known for


def test_a_subject_is_never_on_both_sides(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "fusebench.methods.graphical.generative.out_of_fold",
        lambda score, codes, groups, folds, seed: seen.append(groups) or (np.arange(2), np.zeros((2, 2))),
    )
    X, groups = np.random.default_rng(0).normal(size=(20, 2)), np.repeat(np.arange(10), 2)
    samples = Samples(Samples.from_arrays({"x": X}).modalities, groups=groups)
    GaussianNaiveBayes(tempered=True).fit(samples, np.repeat([0, 1], 10))
    np.testing.assert_array_equal(seen[0], groups)
