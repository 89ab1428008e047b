"""WINDOW: the true posterior against explicit densities, the Bayes scores against it, and no signal in the mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from fusebench.datasets import DataError, load_task

N = 100_000


@pytest.fixture(scope="module")
def large():
    return load_task("window", n=N, widths=(1, 2), strengths=(0.4, 0.6), seed=1)


def test_the_posterior_is_that_of_all_moments_of_change_enumerated() -> None:
    strength, length = 0.8, 9
    task = load_task("window", n=20, length=length, widths=(1,), strengths=(strength,), seed=3)
    signals = task.samples.modality("m1").values[:, 0]
    # With one channel the direction is a sign, which the rows of class 0 give away: their first values lean to it.
    lean = np.sign((signals[:, :2].mean(axis=1) * (1 - 2 * task.y)).sum())
    for x, p in zip(signals, task.truth["posterior"], strict=True):
        density = np.zeros(2)
        for change in range(length // 4, length - length // 4 + 1):
            for c in (0, 1):
                mean = np.where(np.arange(length) < change, 1.0, -1.0) * (1 - 2 * c) * lean * strength / 2
                density[c] += multivariate_normal(mean, np.eye(length)).pdf(x)
        assert p == pytest.approx(density[1] / density.sum(), abs=1e-12)


def test_bayes_scores_agree_with_the_true_posterior(large) -> None:
    p = large.truth["posterior"]
    right = np.where(large.y == 1, p, 1 - p)
    brier = 2 * (1 - right) ** 2
    draws = 0.5 / np.sqrt(50_000)  # the standard error that the scores themselves may have
    assert (right > 0.5).mean() == pytest.approx(large.bayes["accuracy"], abs=4 * (0.5 / np.sqrt(N) + draws))
    assert log_loss(large.y, p) == pytest.approx(large.bayes["log_loss"], abs=4 * np.log(right).std() / np.sqrt(3e4))
    assert brier.mean() == pytest.approx(large.bayes["brier"], abs=4 * brier.std() / np.sqrt(3e4))


def test_the_mean_over_time_tells_nothing_and_early_against_late_does(large) -> None:
    rows = np.arange(N) < N // 2
    signals = [m.values for m in large.samples.modalities]
    mean = np.hstack([s.mean(axis=2) for s in signals])
    score = (
        HistGradientBoostingClassifier(max_iter=30).fit(mean[rows], large.y[rows]).score(mean[~rows], large.y[~rows])
    )
    assert abs(score - 0.5) < 4 * 0.5 / np.sqrt(N // 2)
    halves = np.hstack([s[:, :, :8].mean(axis=2) for s in signals])
    model = HistGradientBoostingClassifier(max_iter=30).fit(halves[rows], large.y[rows])
    assert 0.7 < model.score(halves[~rows], large.y[~rows]) < large.bayes["accuracy"]


def test_settings_shape_the_task_and_the_seed_moves_it() -> None:
    options = {"n": 101, "length": 12, "widths": (1, 3, 2), "strengths": (0.5, 1, 2)}
    task = load_task("window", **options, seed=5)
    assert [m.shape for m in task.samples.modalities] == [(101, 1, 12), (101, 3, 12), (101, 2, 12)]
    assert {m.kind for m in task.samples.modalities} == {"signal"}
    assert task.truth["change"].min() >= 3
    assert task.truth["change"].max() <= 9
    assert task.fingerprint == load_task("window", **options, seed=5).fingerprint
    assert task.fingerprint != load_task("window", **options, seed=6).fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 7}, "length is 7; give a whole number of at least 8"),
        ({"length": 12.0}, "length is 12.0"),
        ({"n": 3}, "n is 3"),
        ({"widths": (1,), "strengths": (1.0, 1.0)}, "1 widths but 2 strengths"),
    ],
)
def test_bad_settings_are_told(options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_task("window", **options)
