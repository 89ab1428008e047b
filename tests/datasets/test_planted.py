"""Planted tasks: their closed forms agree with the true posterior, and they are as hard as they claim."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.svm import SVC

from fusebench.datasets import DataError, load_task
from fusebench.datasets.planted_add import bayes_scores as add_scores
from fusebench.datasets.planted_xor import bayes_scores as xor_scores

N = 100_000


def test_the_simplest_closed_forms_by_hand() -> None:
    # One modality of distance 2: Phi(1). Four of distance 1 add up to the same distance.
    assert add_scores([2.0])["accuracy"] == pytest.approx(0.8413447460685429)
    assert add_scores([1.0] * 4) == pytest.approx(add_scores([2.0]))
    # Two bits, each wrong with Phi(-1) = 0.15866: right when both or neither are wrong.
    e = 0.15865525393145707
    assert xor_scores([2.0, 2.0])["accuracy"] == pytest.approx(e**2 + (1 - e) ** 2)


@pytest.mark.parametrize("strengths", [(1.0, 1.0, 1.0), (0.3, 2.0), (1.5,)])
def test_add_bayes_scores_agree_with_the_true_posterior(strengths: tuple[float, ...]) -> None:
    task = load_task("add", n=N, widths=(3,) * len(strengths), strengths=strengths, seed=1)
    p = task.truth["posterior"]
    right = np.where(task.y == 1, p, 1 - p)
    four_sigma = 4 * 0.5 / np.sqrt(N)
    assert (right > 0.5).mean() == pytest.approx(task.bayes["accuracy"], abs=four_sigma)
    assert log_loss(task.y, p) == pytest.approx(task.bayes["log_loss"], abs=4 * np.std(np.log(right)) / np.sqrt(N))
    brier = 2 * (1 - right) ** 2
    assert brier.mean() == pytest.approx(task.bayes["brier"], abs=4 * brier.std() / np.sqrt(N))
    assert roc_auc_score(task.y, p) == pytest.approx(task.bayes["auroc"], abs=four_sigma)


@pytest.mark.parametrize("strengths", [(4.0, 4.0), (1.5, 3.0), (2.0, 3.0, 4.0)])
def test_xor_bayes_accuracy_agrees_with_the_true_posterior(strengths: tuple[float, ...]) -> None:
    task = load_task("xor", n=N, widths=(2,) * len(strengths), strengths=strengths, seed=1)
    assert ((task.truth["posterior"] > 0.5) == task.y).mean() == pytest.approx(
        task.bayes["accuracy"], abs=4 * 0.5 / np.sqrt(N)
    )
    assert (task.truth["bits"].sum(axis=1) % 2 == task.y).all()


@pytest.mark.parametrize("name", ["add", "xor"])
def test_the_true_posterior_is_calibrated(name: str) -> None:
    task = load_task(name, n=N, widths=(2, 2), strengths=(1.5, 1.5), seed=2)
    p = task.truth["posterior"]
    for low in np.arange(0.05, 0.95, 0.1):
        inside = (p > low) & (p <= low + 0.1)
        if inside.sum() > 1000:
            assert task.y[inside].mean() == pytest.approx(p[inside].mean(), abs=4 * 0.5 / np.sqrt(inside.sum()))


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


@pytest.mark.parametrize("name", ["add", "xor"])
def test_settings_shape_the_task_and_the_seed_moves_it(name: str) -> None:
    task = load_task(name, n=101, widths=(2, 3, 7), strengths=(1, 2.5, 0.5), seed=5)
    assert [m.shape for m in task.samples.modalities] == [(101, 2), (101, 3), (101, 7)]
    assert abs(np.bincount(task.y) - 50.5).max() <= 1.5
    again = load_task(name, n=101, widths=(2, 3, 7), strengths=(1, 2.5, 0.5), seed=5)
    assert task.fingerprint == again.fingerprint
    assert task.fingerprint != load_task(name, n=101, widths=(2, 3, 7), strengths=(1, 2.5, 0.5), seed=6).fingerprint


@pytest.mark.parametrize("name", ["add", "xor"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 3}, "n is 3; give a whole number of at least 20"),
        ({"n": 100.5}, "n is 100.5"),
        ({"n": True}, "n is True"),
        ({"seed": -1}, "seed is -1"),
        ({"widths": (3, 3), "strengths": (1.0,)}, "2 widths but 1 strengths"),
        ({"widths": (3, 0), "strengths": (1.0, 1.0)}, "width 2 is 0"),
        ({"widths": (3, 3), "strengths": (1.0, 0.0)}, "strength 2 is 0.0"),
        ({"widths": (3, 3), "strengths": (1.0, float("inf"))}, "strength 2 is inf"),
        ({"widths": (3, 3), "strengths": (float("nan"), 1.0)}, "strength 1 is nan"),
        ({"widths": (3, 3), "strengths": ("a", 1.0)}, "strength 1 is 'a'"),
        ({"widths": 3}, "widths is 3; give one number for each modality"),
        ({"widths": (), "strengths": ()}, "0 modalities"),
        ({"rows": 3}, "rows"),
    ],
)
def test_bad_settings_are_told(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_task(name, **options)
    assert name in str(caught.value)


def test_xor_needs_two_modalities() -> None:
    with pytest.raises(DataError, match="at least 2"):
        load_task("xor", widths=(3,), strengths=(1.0,))
