"""Observers of the simulated cohorts: what they attain lies below the bound, and they get it from the arrays alone."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from fusebench.datasets import Task, load_task, task_registry
from fusebench.datasets.cohorts.observers import OBSERVERS, Attained, Observer, attained, main

SIMULATED = [name for name in task_registry().names() if task_registry().get(name).path.parent.name == "cohorts"]
PAGE = Path(__file__).parents[2] / "docs" / "cohorts.md"


NEEDS_NILEARN = pytest.mark.skipif(importlib.util.find_spec("nilearn") is None, reason="the template is nilearn's")
COHORTS = [pytest.param(name, marks=NEEDS_NILEARN if name == "brain-cohort" else ()) for name in OBSERVERS]


def printed(name: str) -> dict[str, float]:
    """The row of the documentation's table."""
    between = r"([\d.]+) and ([\d.]+)"
    (row,) = re.findall(rf"^\| `{name}` \| ([\d.]+) \| .* \| {between} \| {between} \|$", PAGE.read_text("utf-8"), re.M)
    return dict(zip(("chance", "least", "most", "loss_most", "loss_least"), map(float, row), strict=True))


def small(name: str) -> Task:
    return load_task(name, n=400, seed=3)


def without_answers(task: Task, rows: np.ndarray) -> Any:
    """The task with labels and truth of those rows made useless."""
    y, truth = task.y.copy(), {}
    y[rows] = 1 - y[rows].clip(0, 1)
    for what, values in task.truth.items():
        truth[what] = values.astype(np.float64)
        truth[what][rows] = np.nan
    return SimpleNamespace(samples=task.samples, y=y, truth=truth)


def test_every_simulated_cohort_has_an_observer_and_a_row_in_the_documentation() -> None:
    assert set(OBSERVERS) == set(SIMULATED)
    for name in OBSERVERS:
        assert printed(name)


@pytest.mark.parametrize("name", COHORTS)
def test_card_documentation_and_bound_say_the_same(name: str) -> None:
    task, row = load_task(name, n=60), printed(name)
    assert row["chance"] == pytest.approx(1 / len(task.classes), abs=5e-4)
    assert row["most"] == pytest.approx(task.bayes["accuracy"], abs=5.1e-4)
    assert row["loss_least"] == pytest.approx(task.bayes["log_loss"], abs=5.1e-4)
    assert row["chance"] + 0.25 < row["least"] < row["most"] < row["least"] + 0.03
    assert row["loss_least"] < row["loss_most"] < row["loss_least"] + 0.05 < np.log(len(task.classes))
    ends = rf"lies between {row['least']:.3f}, which an observer of the arrays alone attains, and {row['most']:.3f}\.$"
    assert re.search(ends, task.card.caveats[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", COHORTS)
def test_what_is_printed_is_attained_on_another_sample(name: str) -> None:
    found, row = attained(name, seeds=(7,)), printed(name)
    accuracy, loss = found.error["accuracy"], found.error["log_loss"]
    assert accuracy < 0.007
    assert row["least"] - 3 * accuracy < found.score["accuracy"] < row["most"] + 3 * accuracy
    assert row["loss_least"] - 3 * loss < found.score["log_loss"] < row["loss_most"] + 3 * loss


@pytest.mark.slow
@pytest.mark.parametrize("name", COHORTS)
def test_an_observer_knows_neither_labels_nor_truth_of_what_it_is_scored_on(name: str) -> None:
    task, teaching, scored = small(name), np.arange(200), np.arange(200, 400)
    spoiled = without_answers(task, scored)
    p, q = (Observer(OBSERVERS[name]).fit(one, teaching).predict_proba(task.samples[scored]) for one in (task, spoiled))
    np.testing.assert_array_equal(p, q)
    # Each row by itself: no measure looks at the others.
    alone = Observer(OBSERVERS[name]).fit(task, teaching).predict_proba(task.samples[scored[:3]])
    assert alone == pytest.approx(p[:3], abs=1e-6)


def test_labels_without_meaning_leave_an_observer_at_chance() -> None:
    task = load_task("interview-cohort", n=1600, seed=3)
    y = np.random.default_rng(0).permutation(task.y)
    scores = []
    for rows in (np.arange(800), np.arange(800, 1600)):
        observer = Observer(OBSERVERS["interview-cohort"]).fit(
            SimpleNamespace(samples=task.samples, y=y, truth=task.truth), rows
        )
        others = np.setdiff1d(np.arange(1600), rows)
        scores.append(observer.predict_proba(task.samples[others]).argmax(axis=1) == y[others])
    assert np.mean(scores) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(1600))


def test_the_best_lies_between_what_is_attained_for_certain_and_the_bound() -> None:
    score, error, bound = ({"accuracy": a, "brier": b} for a, b in ((0.8, 0.3), (0.01, 0.02), (0.9, 0.2)))
    found = Attained(9, score, error, bound)
    assert found.between("accuracy") == pytest.approx((0.78, 0.9))
    assert found.between("brier") == pytest.approx((0.34, 0.2))


def test_the_command_prints_the_row_of_a_cohort() -> None:
    told = CliRunner().invoke(main, ["--cohort", "fetal-cohort", "--rows", "100"])
    assert told.exit_code == 0
    assert re.search(r"^\| `fetal-cohort` \| 0.500 \| 0.\d{3} ± 0.\d{3} \| 0.\d{3} and 0.807 \|", told.output, re.M)
