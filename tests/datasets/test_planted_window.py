"""WINDOW: the true posterior against explicit densities, and no signal in the mean over time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.ensemble import HistGradientBoostingClassifier

from fusebench.datasets import load_task

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


def test_moments_of_change_keep_away_from_the_ends() -> None:
    change = load_task("window", n=200, length=12, seed=5).truth["change"]
    assert (change.min(), change.max()) == (3, 9)
