"""Planted phenotypes, regions and connectivity states: what tells is where it is said to be, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import simpson
from scipy.special import expit
from scipy.stats import multivariate_normal, norm
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from fusebench.datasets import load_task
from fusebench.datasets.planted.pheno import bayes_scores as pheno_scores

N = 20_000
HALF = np.arange(N) < N // 2
CHANCE = 4 * 0.5 / np.sqrt(N // 2)


def held_out(model, x: np.ndarray, y: np.ndarray) -> float:
    """Accuracy on the second half of a model fitted on the first."""
    return model.fit(x[HALF], y[HALF]).score(x[~HALF], y[~HALF])


def test_pheno_neighbours_agree_and_no_line_along_age_and_sex_tells_them() -> None:
    task = load_task("pheno", n=N, smooth=4.0, waves=2, seed=1)
    age, sex, site = task.samples.modality("phenotype").values.T
    phenotype = np.column_stack([(age - 50) / 30, sex])
    best = pheno_scores(1e-9, 4.0)["accuracy"]
    assert held_out(KNeighborsClassifier(101), phenotype * (1, 10), task.y) == pytest.approx(best, abs=0.015)
    assert held_out(LogisticRegression(), phenotype, task.y) == pytest.approx(0.5, abs=CHANCE)
    for column in (age, sex, site):
        assert np.corrcoef(column, task.y)[0, 1] == pytest.approx(0, abs=4 / np.sqrt(N))
    assert ((age >= 20) & (age <= 80)).all()
    neighbours = np.lexsort([age, sex])
    prior = task.truth["prior"][neighbours]
    assert np.median(np.abs(np.diff(prior))) < 0.002


def test_pheno_scores_are_the_integrals_over_age_and_evidence() -> None:
    d, smooth = 1.2, 2.0
    t, odds = np.linspace(0, 1, 401), np.linspace(-12, 12, 1201)
    prior = smooth * np.sin(2 * np.pi * t)[:, None]
    density = [expit(prior) * norm.pdf(odds, d**2 / 2, d), expit(-prior) * norm.pdf(odds, -(d**2) / 2, d)]
    p = expit(prior + odds)
    scores = pheno_scores(d, smooth)
    for metric, loss in (("log_loss", lambda p: -np.log(p)), ("brier", lambda p: 2 * (1 - p) ** 2)):
        exact = simpson(simpson(density[0] * loss(p) + density[1] * loss(1 - p), x=odds), x=t)
        assert scores[metric] == pytest.approx(exact, abs=1e-6)


def test_roik_tells_in_the_k_regions_and_edges_alone() -> None:
    task = load_task("roik", n=N, regions=8, features=2, k=3, strengths=(2.0, 2.5), seed=1)
    roi, edges = (m.values for m in task.samples.modalities)
    tells, between = task.truth["regions"][0], task.truth["edges"][0]
    assert tells.sum() == 3
    np.testing.assert_array_equal(between, np.outer(tells, tells) & ~np.eye(8, dtype=bool))
    np.testing.assert_array_equal(edges, edges.transpose(0, 2, 1))
    moved = roi[task.y == 1].mean(axis=0) - roi[task.y == 0].mean(axis=0)
    four_sigma = 4 * np.sqrt(4 / N)
    assert np.abs(moved[~tells]).max() < four_sigma
    assert np.linalg.norm(moved[tells], axis=1) == pytest.approx([2.0 / np.sqrt(3)] * 3, abs=four_sigma)
    changed = edges[task.y == 1].mean(axis=0) - edges[task.y == 0].mean(axis=0)
    assert np.abs(changed[~between]).max() < four_sigma
    assert changed[between] == pytest.approx(2.5 / np.sqrt(3), abs=four_sigma)
    upper = edges[:, *np.triu_indices(8, 1)]
    assert held_out(LogisticRegression(), roi.reshape(N, -1), task.y) == pytest.approx(norm.cdf(1.0), abs=0.015)
    assert held_out(LogisticRegression(), upper, task.y) == pytest.approx(norm.cdf(1.25), abs=0.015)
    assert held_out(LogisticRegression(), roi[:, ~tells].reshape(N, -1), task.y) == pytest.approx(0.5, abs=CHANCE)


def test_both_forms_of_connectivity_states_say_the_same() -> None:
    options = {"n": 30, "regions": 3, "windows": 5, "length": 4, "seed": 2}
    series = load_task("window-connectivity", form="signal", **options)
    matrices = load_task("window-connectivity", form="connectivity", **options)
    x = series.samples.modality("series").values
    assert x.shape == (30, 3, 20)
    for w, m in enumerate(matrices.samples.modalities):
        part = x[:, :, 4 * w : 4 * (w + 1)]
        assert m.values == pytest.approx(part @ part.transpose(0, 2, 1) / 4)
    np.testing.assert_array_equal(series.truth["posterior"], matrices.truth["posterior"])
    assert series.bayes == matrices.bayes


def test_the_posterior_of_connectivity_states_is_that_of_all_orders_enumerated() -> None:
    strength, windows, length = 2.0, 4, 3
    options = {"regions": 3, "windows": windows, "length": length, "strength": strength, "seed": 5}
    large = load_task("window-connectivity", n=N, **options)
    # The covariance of the two states, from many rows of the same seed.
    products = np.stack([m.values for m in large.samples.modalities], axis=1)
    covariance = [products[large.truth["states"] == state].mean(axis=0) for state in (0, 1)]
    for one in covariance:  # I + c a a' has the eigenvalues 1, 1 and 1 + c
        assert np.linalg.eigvalsh(one) == pytest.approx([1, 1, 1 + strength], abs=0.06)
    exact = [np.eye(3) + strength * np.outer(*[np.linalg.eigh(one)[1][:, -1]] * 2) for one in covariance]
    task = load_task("window-connectivity", n=20, form="signal", **options)
    for x, p in zip(task.samples.modality("series").values, task.truth["posterior"], strict=True):
        log = np.stack([multivariate_normal(cov=c).logpdf(x.T).reshape(windows, length).sum(axis=1) for c in exact])
        density = [0.0, 0.0]
        for change in (1, 2, 3):
            for c in (0, 1):
                states = np.where(np.arange(windows) < change, c, 1 - c)
                density[c] += np.exp(log[states, np.arange(windows)].sum())
        assert p == pytest.approx(density[1] / sum(density), abs=0.02)


def test_connectivity_over_all_time_tells_nothing_and_its_order_does() -> None:
    task = load_task("window-connectivity", n=N, regions=4, strength=2.0, seed=1)
    windows = [m.values[:, *np.triu_indices(4)] for m in task.samples.modalities]
    assert held_out(LogisticRegression(), np.mean(windows, axis=0), task.y) == pytest.approx(0.5, abs=CHANCE)
    ordered = held_out(LogisticRegression(), np.hstack(windows), task.y)
    assert task.bayes["accuracy"] - 0.05 < ordered < task.bayes["accuracy"] + CHANCE
    series = load_task("window-connectivity", n=N, regions=4, strength=2.0, form="signal", seed=1)
    flat = series.samples.modality("series").values.reshape(N, -1)
    assert held_out(LogisticRegression(max_iter=200), flat, task.y) == pytest.approx(0.5, abs=CHANCE)
