"""ADD and XOR: closed forms by hand, posteriors from explicit densities, and as hard as they claim."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from fusebench.datasets import load_task
from fusebench.datasets.planted.add import bayes_scores as add_scores
from fusebench.datasets.planted.xor import bayes_scores as xor_scores

N = 100_000


def test_the_simplest_closed_forms_by_hand() -> None:
    # One modality of distance 2: Phi(1). Four of distance 1 add up to the same distance.
    assert add_scores([2.0])["accuracy"] == pytest.approx(0.8413447460685429)
    assert add_scores([1.0] * 4) == pytest.approx(add_scores([2.0]))
    # Two bits, each wrong with Phi(-1) = 0.15866: right when both or neither are wrong.
    e = 0.15865525393145707
    assert xor_scores([2.0, 2.0])["accuracy"] == pytest.approx(e**2 + (1 - e) ** 2)


@pytest.mark.parametrize("name", ["add", "xor"])
def test_the_posterior_is_that_of_explicit_densities(name: str) -> None:
    strengths = (1.0, 2.0, 1.5)
    large = load_task(name, n=N, widths=(1, 2, 3), strengths=strengths, seed=1)
    task = load_task(name, n=24, widths=(1, 2, 3), strengths=strengths, seed=1)
    shown = np.repeat(large.y[:, None], 3, axis=1) if name == "add" else large.truth["bits"]
    density = np.zeros((24, 3, 2))
    for m, d in enumerate(strengths):
        x = large.samples.modality(f"m{m + 1}").values
        u = x[shown[:, m] == 1].mean(axis=0) - x[shown[:, m] == 0].mean(axis=0)
        assert np.linalg.norm(u) == pytest.approx(d, abs=0.03)
        for bit in (0, 1):
            mean = (bit - 0.5) * d * u / np.linalg.norm(u)
            density[:, m, bit] = multivariate_normal(mean).pdf(task.samples.modality(f"m{m + 1}").values)
    joint = np.zeros((24, 2))
    for bits in np.ndindex(2, 2, 2):
        if name == "xor" or len(set(bits)) == 1:
            joint[:, sum(bits) % 2] += np.prod([density[:, m, bit] for m, bit in enumerate(bits)], axis=0)
    assert task.truth["posterior"] == pytest.approx(joint[:, 1] / joint.sum(axis=1), abs=0.02)


def test_xor_bits_are_those_of_the_label_and_evenly_spread() -> None:
    task = load_task("xor", n=80, widths=(2, 2, 2), strengths=(2.0, 3.0, 4.0), seed=1)
    assert (task.truth["bits"].sum(axis=1) % 2 == task.y).all()
    assert np.bincount(task.truth["bits"] @ (1, 2, 4)).tolist() == [10] * 8


def test_on_xor_one_modality_is_at_chance_and_both_together_are_not() -> None:
    train, test = load_task("xor", n=3000, seed=3), load_task("xor", n=3000, seed=3)
    rows = np.arange(3000) < 1500
    for name in train.samples.names:
        x = train.samples.modality(name).values
        for model in (HistGradientBoostingClassifier(max_iter=50), SVC(gamma="scale"), LogisticRegression()):
            score = model.fit(x[rows], train.y[rows]).score(x[~rows], test.y[~rows])
            assert abs(score - 0.5) < 4 * 0.5 / np.sqrt(1500)
    both = np.hstack([m.values for m in train.samples.modalities])
    assert SVC(gamma="scale").fit(both[rows], train.y[rows]).score(both[~rows], test.y[~rows]) > 0.9


def test_on_add_a_linear_model_comes_near_the_bayes_accuracy() -> None:
    task = load_task("add", n=20_000, seed=4)
    x = np.hstack([m.values for m in task.samples.modalities])
    rows = np.arange(20_000) < 10_000
    score = LogisticRegression().fit(x[rows], task.y[rows]).score(x[~rows], task.y[~rows])
    assert score == pytest.approx(task.bayes["accuracy"], abs=0.016)
