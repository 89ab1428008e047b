"""The fast forms of metrics, maps and bootstraps give the numbers of the simple ones; nothing is made twice."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from sklearn.isotonic import IsotonicRegression

from fusebench.reports.claims.registry import verdicts
from fusebench.reports.comparison import in_task
from fusebench.reports.comparison.in_task import against_best
from fusebench.reports.content import Content
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.memory import Memory
from fusebench.reports.metrics import smooth_ece
from fusebench.reports.metrics.accuracy import auroc, auroc_resampled
from fusebench.reports.metrics.calibration import top_label
from fusebench.reports.metrics.recalibration import RECALIBRATORS, fit_sigmoids
from fusebench.reports.metrics.temperature import BOUNDS, fit_temperature
from fusebench.reports.statistics.intervals import over_tasks, task_draws


def told(n: int, classes: int, seed: int, power: float = 1.0, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(classes), size=n)
    y = (proba.cumsum(axis=1) > rng.uniform(size=(n, 1))).argmax(axis=1)
    proba = proba**power
    proba /= proba.sum(axis=1, keepdims=True)
    return y, np.round(proba, 1) if ties else proba


SEEDS = st.integers(0, 10_000)


@given(seed=SEEDS, classes=st.integers(2, 5), power=st.floats(0.2, 8))
@settings(max_examples=40, deadline=None)
def test_temperature_is_that_of_a_bounded_search(seed: int, classes: int, power: float) -> None:
    y, proba = told(60, classes, seed, power)
    logits = np.log(np.clip(proba, 1e-12, 1.0))

    def loss(inverse: float) -> float:
        z = inverse * logits
        z = z - z.max(axis=1, keepdims=True)
        return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]).mean())

    low, high = 1 / BOUNDS[1], 1 / BOUNDS[0]
    simple = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-7}).x
    assert 1 / fit_temperature(y, proba) == pytest.approx(simple, rel=1e-3, abs=1e-5)
    assert loss(1 / fit_temperature(y, proba)) <= loss(simple) + 1e-12


@pytest.mark.parametrize("ties", [False, True])
@given(seed=SEEDS, classes=st.integers(2, 5))
@settings(max_examples=20, deadline=None)
def test_auroc_by_ranks_is_auroc_by_levels(ties: bool, seed: int, classes: int) -> None:
    y, proba = told(25, classes, seed, ties=ties)
    levels = auroc_resampled(y, proba, np.ones((1, len(y))))[0]
    assert auroc(y, proba) == pytest.approx(levels, abs=1e-12, nan_ok=True)


@given(seed=SEEDS, sign=st.sampled_from([1.0, -1.0]), power=st.floats(0.2, 6))
@settings(max_examples=40, deadline=None)
def test_sigmoids_fitted_together_are_those_of_a_search_for_each(seed: int, sign: float, power: float) -> None:
    rng = np.random.default_rng(seed)
    x = power * rng.normal(size=(3, 80))
    target = np.where(rng.uniform(size=x.shape) < 1 / (1 + np.exp(-sign * x)), 0.96, 0.04)
    slopes, offsets = fit_sigmoids(x, target)
    for own, aim, slope, offset in zip(x, target, slopes, offsets, strict=True):

        def loss(ab: np.ndarray, own: np.ndarray = own, aim: np.ndarray = aim) -> float:
            z = ab[0] * own + ab[1]
            return float((np.logaddexp(0, z) - aim * z).mean())

        bounds = [(0.0, None), (None, None)]
        simple = minimize(loss, [1.0, 0.0], method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9})
        assert (slope, offset) == pytest.approx(tuple(simple.x), abs=2e-4)
        assert loss(np.array([slope, offset])) <= simple.fun + 1e-12


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("ties", [False, True])
def test_monotone_maps_are_those_of_scikit_learn(classes: int, ties: bool) -> None:
    y, proba = told(90, classes, 3, 2.0, ties)
    test = told(40, classes, 4)[1]
    own = []
    for c in range(classes):
        curve = IsotonicRegression(y_min=1 / 92, y_max=91 / 92, out_of_bounds="clip")
        own.append(curve.fit(proba[:, c], y == c).predict(test[:, c]))
    simple = np.column_stack([1 - own[1], own[1]] if classes == 2 else own)
    simple /= simple.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(RECALIBRATORS["isotonic"](y, proba, test), simple, atol=1e-12)


def test_smooth_errors_of_resamples_are_those_of_the_repeated_rows_at_one_width() -> None:
    y, proba = told(70, 3, 5, 2.0)
    confidence, right = top_label(y, proba)
    _, width = smooth_ece.smooth_calibration_error(confidence, right)
    weights = np.random.default_rng(0).integers(0, 3, size=(6, len(y))).astype(float)
    fast = smooth_ece.smooth_ece_resampled(y, proba, weights)
    cells = 512
    for drawn, value in zip(weights, fast, strict=True):
        rows = np.repeat(np.arange(len(y)), drawn.astype(int))
        mass = np.zeros(cells)
        for row in rows:
            place = np.clip(confidence[row] * cells - 0.5, 0, cells - 1)
            left = min(int(place), cells - 2)
            mass[left] += (1 - (place - left)) * (right[row] - confidence[row]) / len(rows)
            mass[left + 1] += (place - left) * (right[row] - confidence[row]) / len(rows)
        angle = np.pi * np.outer(np.arange(cells), np.arange(cells) + 0.5) / cells
        spectrum = np.cos(angle) @ mass * np.exp(-0.5 * (np.pi * width * np.arange(cells)) ** 2)
        smoothed = (np.cos(angle).T @ spectrum * 2 - spectrum[0]) / cells
        assert value == pytest.approx(np.abs(smoothed).sum(), abs=1e-12)


def test_a_bootstrap_over_tasks_is_the_mean_of_the_drawn_tasks() -> None:
    values = np.random.default_rng(0).normal(size=(7, 3))
    draws = task_draws(7, 500)
    for column, found in zip(values.T, over_tasks(values, draws), strict=True):
        simple = np.array([column[drawn].mean() for drawn in draws])
        assert (found.low, found.high) == pytest.approx(tuple(np.quantile(simple, [0.025, 0.975])), abs=1e-12)
        assert found.value == pytest.approx(column.mean())


def test_a_memory_makes_a_value_once_though_it_is_none() -> None:
    memory, made = Memory(), []
    for _ in range(2):
        assert memory.once("gains", "accuracy", lambda: made.append(1)) is None
    memory.once("gains", "auroc", lambda: made.append(2))
    assert made == [1, 2]
    other = Memory()
    other.take(memory.kept)
    other.once("gains", "auroc", lambda: made.append(3))
    assert made == [1, 2]


def test_what_the_tasks_have_computed_is_not_computed_again_for_the_survey(
    kit: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = Content(Evaluation(kit.synthetic(methods=kit.METHODS[:8])))
    assert len(content.tasks) >= 4  # enough of them to be dealt to processes
    monkeypatch.setattr(in_task, "_against_best", lambda *_: pytest.fail("computed twice"))
    for task in content.evaluation.tasks.values():
        assert against_best(task, content.primary) is not None
    told = verdicts(content.evaluation, content.primary)
    assert verdicts(content.evaluation, content.primary) is told
