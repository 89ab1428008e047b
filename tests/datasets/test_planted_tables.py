"""Planted tables: what one modality alone can reach is what redundant, unique and noise mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss

from fusebench.datasets import load_task
from fusebench.datasets.planted.scores import gaussian_scores, prior_scores

N = 100_000


def accuracy_alone(task) -> list[float]:
    """Accuracy of the true posterior of each modality alone."""
    return [accuracy_score(task.y, p > 0.5) for p in task.truth["alone"].T]


def test_on_redund_one_modality_is_as_good_as_all_and_adding_them_up_is_overconfident() -> None:
    task = load_task("redund", n=N, widths=(2, 2, 2), seed=1)
    assert accuracy_alone(task) == pytest.approx([task.bayes["accuracy"]] * 3, abs=0.01)
    assert np.mean(task.truth["bit"] != task.y) == pytest.approx(0.2, abs=4 * 0.4 / np.sqrt(N))
    alone = task.truth["alone"]
    odds = np.log(alone / (1 - alone)).sum(axis=1)
    added = 1 / (1 + np.exp(-odds))  # right if the modalities were independent given the class
    assert accuracy_score(task.y, added > 0.5) == pytest.approx(task.bayes["accuracy"], abs=0.01)
    assert log_loss(task.y, added) > task.bayes["log_loss"] + 0.2
    assert log_loss(task.y, alone[:, 0]) < task.bayes["log_loss"] + 0.02


@pytest.mark.parametrize("informative", [1, 3])
def test_on_unique_one_modality_has_it_all_and_the_others_nothing(informative: int) -> None:
    task = load_task("unique", n=N, widths=(2, 2, 2), strength=1.5, informative=informative, seed=1)
    for m, score in enumerate(accuracy_alone(task), start=1):
        told = task.bayes["accuracy"] if m == informative else 0.5
        assert score == pytest.approx(told, abs=4 * 0.5 / np.sqrt(N))
    np.testing.assert_array_equal(task.truth["posterior"], task.truth["alone"][:, informative - 1])
    assert task.truth["informative"][0].tolist() == [m == informative for m in (1, 2, 3)]
    for m in task.samples.modalities:  # what a model finds, not only what the generator says
        rows = np.arange(N) < N // 2
        score = LogisticRegression().fit(m.values[rows], task.y[rows]).score(m.values[~rows], task.y[~rows])
        assert score == pytest.approx(norm.cdf(0.75) if m.name == f"m{informative}" else 0.5, abs=0.01)


def test_on_noisemod_every_modality_but_the_last_tells() -> None:
    task = load_task("noisemod", n=N, widths=(2, 2), strengths=(1.0, 2.0), noise_width=3, seed=1)
    assert accuracy_alone(task) == pytest.approx([norm.cdf(0.5), norm.cdf(1.0), 0.5], abs=4 * 0.5 / np.sqrt(N))
    assert task.truth["informative"][0].tolist() == [True, True, False]
    noise = task.samples.modality("m3").values
    assert abs(np.corrcoef(noise.T, task.y)[-1, :-1]).max() < 4 / np.sqrt(N)
    assert np.cov(noise.T) == pytest.approx(np.eye(3), abs=0.03)


def test_the_closed_forms_by_hand() -> None:
    # Distance 2 without flips: Phi(1); a quarter of the labels turned: 1/4 + Phi(1)/2.
    assert gaussian_scores(2.0)["accuracy"] == pytest.approx(0.8413447460685429)
    assert gaussian_scores(2.0, 0.25)["accuracy"] == pytest.approx(0.25 + 0.8413447460685429 / 2)
    # Half of them turned: nothing is left, and evidence without end leaves the entropy of the flips.
    assert gaussian_scores(2.0, 0.5) == pytest.approx(
        {"accuracy": 0.5, "balanced_accuracy": 0.5, "auroc": 0.5, "log_loss": np.log(2), "brier": 0.5}
    )
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert gaussian_scores(30.0, 0.25)["log_loss"] == pytest.approx(entropy)
    assert gaussian_scores(30.0, 0.25)["brier"] == pytest.approx(2 * 0.25 * 0.75)


def test_even_priors_give_the_scores_without_priors_and_no_evidence_those_of_the_prior() -> None:
    even = prior_scores(np.zeros(1), np.ones(1), 1.3)
    assert even == pytest.approx({key: gaussian_scores(1.3)[key] for key in even})
    p = np.array([0.2, 0.9])
    nothing = prior_scores(np.log(p / (1 - p)), np.array([0.5, 0.5]), 1e-9)
    assert nothing["accuracy"] == pytest.approx(0.85)
    assert nothing["log_loss"] == pytest.approx(-np.mean(p * np.log(p) + (1 - p) * np.log(1 - p)))
    assert nothing["brier"] == pytest.approx(np.mean(2 * p * (1 - p)))
