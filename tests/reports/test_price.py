"""What a point costs: hand-made seconds and scores."""

from __future__ import annotations

import numpy as np
import pytest

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.options import Options
from fusebench.reports.price import price_parts, steps
from fusebench.reports.results import MethodInfo, Results, TaskInfo

# method, right answers of 10 in each of four folds, seconds to tune, to fit
CELLS = (
    ("cheap", (6, 6, 6, 7), 0.0, 1.0),
    ("dear", (9, 9, 9, 9), 30.0, 5.0),
    ("middle", (7, 7, 7, 8), 2.0, 3.0),
    ("beaten", (6, 6, 6, 6), 2.0, 9.0),
    ("guess", (5, 5, 5, 5), 0.0, 0.1),
)


@pytest.fixture
def task(kit):
    return evaluation(kit).tasks["t"]


def evaluation(kit, **options) -> Evaluation:
    rows = []
    for method, right, tune, fit in CELLS:
        for fold, count in enumerate(right):
            y = np.zeros(10, dtype=int)
            proba = np.where(np.arange(10)[:, None] < count, [0.9, 0.1], [0.1, 0.9])
            if method == "guess":
                proba = np.full((10, 2), 0.5)
            seconds = {"tune_wall": tune, "fit_wall": fit, "tune_cpu": 2 * tune, "fit_cpu": 2 * fit}
            at = np.arange(10) + 10 * fold
            own = {"task": "t", "method": method, "fold": fold, "n_train": 30, "n_test": 10}
            rows.append(kit.outcome(**own, **seconds, rows=at, groups=at, y=y, proba=proba))
    infos = {name: MethodInfo(name, name.capitalize(), "kernel", "early") for name, *_ in CELLS}
    info = TaskInfo("t", "T", ("no", "yes"), (40, 0), 40, 40, (("a", "table", 1),), "folds")
    return Evaluation(Results(kit.frame_of(rows), {"t": info}, infos), options=Options(**options))


def test_the_front_and_its_prices(task):
    found = steps(task, "accuracy")
    assert [step.method for step in found] == ["cheap", "middle", "dear"]
    assert [step.seconds for step in found] == [1.0, 5.0, 35.0]
    assert not found[0].gain.known
    np.testing.assert_allclose([step.gain.value for step in found[1:]], [0.1, 0.175])
    np.testing.assert_allclose([step.price for step in found[1:]], [4 / 10, 30 / 17.5])


def test_losses_pay_downwards(task):
    found = steps(task, "log_loss")
    assert [step.method for step in found] == ["cheap", "middle", "dear"]
    assert all(step.gain.value > 0 for step in found[1:])


def test_the_section_believes_only_what_the_interval_shows(kit):
    whole = evaluation(kit)
    (part,) = price_parts(whole, whole.tasks["t"], "accuracy")
    (table,) = part.tables
    assert table.cell("cheap", "told").text == ""
    assert table.cell("dear", "told").text == "yes"
    assert part.findings[0].text == "Dear buys 0.175 of accuracy over Middle at 1.71 s a hundredth."


def test_energy_is_modelled_only_when_a_power_is_given(kit):
    whole = evaluation(kit, watts=18.0)
    (part,) = price_parts(whole, whole.tasks["t"], "accuracy")
    table = part.tables[-1]
    assert table.cell("dear", "energy").estimate.value == pytest.approx(70 * 18 / 3600)
    assert "modelled, not measured" in part.paragraphs[-1]
