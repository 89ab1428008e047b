"""Figures, marks and notes of small results that can be computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusebench.reports.checks.registry import run_checks
from fusebench.reports.evaluation import RECALIBRATED, Evaluation
from fusebench.reports.results import MethodInfo, Results, TaskInfo
from fusebench.reports.table import Column, Row, Table
from fusebench.reports.tables import leaderboard, survey_table, task_table

ROWS = 10
Build = Callable[..., Results]


def predictions(right: int, sure: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Ten rows of two classes, the given number of them right, each with the same confidence."""
    y = np.arange(ROWS) % 2
    told = np.where(np.arange(ROWS) < right, y, 1 - y)
    return y, np.where(np.eye(2)[told] == 1, sure, 1 - sure)


@pytest.fixture
def build(kit: SimpleNamespace) -> Build:
    return lambda *args, **kwargs: _build(kit, *args, **kwargs)


def _build(
    kit: SimpleNamespace,
    hits: dict[str, dict[str, tuple[int | None, ...]]],
    roles: dict[str, str] | None = None,
    same_test: bool = False,
    **task: Any,
) -> Results:
    """Results from the hits of each method in each split of each task; None is a failed split."""
    rows = []
    names = list(dict.fromkeys(m for methods in hits.values() for m in methods))
    for name, methods in hits.items():
        for method, splits in methods.items():
            for j, right in enumerate(splits):
                row = kit.outcome(
                    task=name,
                    method=method,
                    repeat=j if same_test else 0,
                    fold=0 if same_test else j,
                    n_train=20,
                    n_test=ROWS,
                    rows=np.arange(ROWS) + (0 if same_test else ROWS * j),
                    groups=np.arange(ROWS),
                    fit_wall=1.0 + names.index(method),
                )
                if right is None:
                    row |= {"status": "failed", "phase": "fit", "reason": "singular"}
                else:
                    y, proba = predictions(right)
                    row |= {"y": y, "proba": proba}
                rows.append(row)
    tasks = {
        t: TaskInfo(
            t, t.title(), ("a", "b"), (15, 15), 30, 30, (("m", "table", 3), ("n", "table", 3)), "3 folds", **task
        )
        for t in hits
    }
    infos = {m: MethodInfo(m, m.upper(), "kernel", "early", (roles or {}).get(m, "method")) for m in names}
    return Results(kit.frame_of(rows), tasks, infos)


THREE = {
    "one": {"first": (9, 9, 9), "second": (9, 8, 9), "third": (5, 5, 4)},
    "two": {"first": (8, 8, 8), "second": (8, 8, 8), "third": (7, 7, 7)},
    "three": {"first": (9, 9, 9), "second": (7, 7, 6), "third": (9, 9, 9)},
}


def test_marks_of_three_methods_on_three_tasks(build: Build) -> None:
    """first - second on one: (0, .1, 0), half 4.303 * .0577 * sqrt(1/3 + 1/2) = .227; three equal gaps tell nothing."""
    evaluation = Evaluation(build(THREE))
    expected = {
        "one": ("best", "tied", ""),
        "two": ("best", "tied", "tied"),
        "three": ("best", "", "tied"),
    }
    for name, marks in expected.items():
        table = task_table(evaluation, evaluation.tasks[name], "accuracy")
        assert tuple(table.cell(m, "accuracy").mark for m in ("first", "second", "third")) == marks
    scores = evaluation.tasks["one"].score("accuracy")
    gap = scores.difference("first", "second")
    assert gap.value == pytest.approx(1 / 30)
    assert gap.half == pytest.approx(4.302653 * (0.1 / np.sqrt(3)) * np.sqrt(1 / 3 + 0.5), rel=1e-6)
    assert scores.estimate("second").value == pytest.approx(26 / 30)


def test_survey_of_three_methods_on_three_tasks(build: Build) -> None:
    """Means .867, .789, .7; ranks (1, 1.5, 1.5), (2, 1.5, 3), (3, 3, 1.5); differences to the best over tasks by t."""
    table = survey_table(Evaluation(build(THREE)), "accuracy")
    assert [row.name for row in table.rows] == ["first", "second", "third"]
    assert table.cell("first", "accuracy").estimate.value == pytest.approx(26 / 30)
    assert [table.cell(m, "mean_rank").estimate.value for m in ("first", "second", "third")] == pytest.approx(
        [4 / 3, 13 / 6, 2.5]
    )
    assert [table.cell(m, "win_rate").estimate.value for m in ("first", "second", "third")] == pytest.approx(
        [5 / 6, 5 / 12, 0.25]
    )
    assert table.cell("first", "accuracy").mark == "best"
    assert table.cell("second", "accuracy").mark == "tied"
    figure = table.cell("first", "accuracy").estimate
    assert (figure.low, figure.high) == pytest.approx((0.8, 0.9))


def test_a_failed_split_is_flagged_and_never_ranked_marked_or_imputed(build: Build) -> None:
    hits = {"one": {"first": (10, 10, None), "second": (8, 7, 8)}, "two": {"first": (9, 9, 9), "second": (8, 8, 8)}}
    evaluation = Evaluation(build(hits))
    table = task_table(evaluation, evaluation.tasks["one"], "accuracy")
    cell = table.cell("first", "accuracy")
    assert cell.estimate.value == 1.0
    assert cell.estimate.n == 2
    assert cell.mark == ""
    assert table.cell("second", "accuracy").mark == ""  # alone it is no best
    assert "1 of 3 splits" in table.notes[0]
    assert "singular" in table.notes[0]
    survey = survey_table(evaluation, "accuracy")
    assert not survey.cell("first", "mean_rank").estimate.known
    assert survey.cell("second", "mean_rank").estimate.value == 1.0
    assert survey.cell("first", "accuracy").mark == ""
    assert not survey.cell("first", "accuracy").estimate.bounded
    assert "Incomplete on One" in survey.notes[0]


def test_a_method_without_results_is_a_visible_row(build: Build) -> None:
    evaluation = Evaluation(build({"one": {"first": (9, 8, 9), "second": (None, None, None)}}))
    table = task_table(evaluation, evaluation.tasks["one"])
    row = next(row for row in table.rows if row.name == "second")
    assert row.status == "failed"
    for text in (table.to_markdown(), table.to_latex(), table.to_html(), table.to_csv()):
        assert "failed" in text.lower()
        assert "singular" in text


def test_everything_failed_still_makes_tables(build: Build) -> None:
    evaluation = Evaluation(build({"one": {"first": (None, None, None)}}))
    assert task_table(evaluation, evaluation.tasks["one"]).rows[0].status == "failed"
    assert survey_table(evaluation).rows[0].status == "no results"


def test_one_split_has_figures_by_case_bootstrap(build: Build) -> None:
    evaluation = Evaluation(build({"one": {"first": (9,), "second": (8,)}}))
    scores = evaluation.tasks["one"].score("accuracy")
    figure = scores.estimate("first")
    assert figure.value == 0.9
    assert figure.low < 0.9 <= figure.high <= 1.0
    assert scores.best == "first"
    assert scores.tied == {"second"}


def test_refits_of_one_test_set_are_bootstrapped_over_subjects_and_paired(build: Build) -> None:
    evaluation = Evaluation(build({"one": {"first": (9, 9), "second": (5, 5)}}, same_test=True), resamples=4000)
    task = evaluation.tasks["one"]
    assert not task.resampled
    scores = task.score("accuracy")
    gap = scores.difference("first", "second")
    assert gap.value == pytest.approx(0.4)
    # rows 5 to 8 alone differ: the paired gap is the share of drawn rows among them, a binomial of 10 and 0.4
    assert gap.low == pytest.approx(0.1)
    assert gap.high == pytest.approx(0.7)
    assert scores.best == "first"
    assert scores.tied == frozenset()


def test_recalibration_needs_validation_probabilities(build: Build) -> None:
    results = build({"one": {"first": (7, 7, 7)}})
    assert not Evaluation(results).tasks["one"].score("log_loss", RECALIBRATED).estimate("first").known
    frame = results.outcomes.copy()
    y, proba = predictions(7)
    frame["val_y"] = [y] * len(frame)
    frame["val_proba"] = [proba] * len(frame)
    task = Evaluation(Results(frame, results.tasks, results.methods)).tasks["one"]
    raw, warm = (task.score("log_loss", v).estimate("first").value for v in ("raw", RECALIBRATED))
    assert raw == pytest.approx(-0.7 * np.log(0.9) - 0.3 * np.log(0.1))
    assert warm == pytest.approx(-0.7 * np.log(0.7) - 0.3 * np.log(0.3), rel=1e-4)  # confidence falls to the accuracy


def test_cells_that_pandas_or_a_store_left_empty_are_unknown_not_errors(build: Build) -> None:
    results = build({"one": {"first": (9, 8, 9)}})
    frame = results.outcomes.copy()
    for column in ("val_y", "val_proba", "at_edge", "notes", "flops", "reason"):
        frame[column] = np.nan
    frame["fit_wall"] = pd.Series([None] * len(frame), dtype=object)
    evaluation = Evaluation(Results(frame, results.tasks, results.methods))
    table = task_table(evaluation, evaluation.tasks["one"])
    assert table.cell("first", "accuracy").estimate.known
    assert not table.cell("first", "fit_wall").estimate.known
    assert not table.cell("first", "log_loss_recalibrated").estimate.known
    assert any(c.check.code == "FB16" and c.remarks for c in run_checks(evaluation))


def test_brier_parts_add_up_in_the_table(evaluation: Evaluation) -> None:
    task = evaluation.tasks["planted-add"]
    y, _ = task.pooled("alignf-svm", repeat=0) or pytest.fail("no rows")
    shares = np.bincount(y) / len(y)
    brier, mcb, dsc = (
        task.score(key).estimate("alignf-svm").value for key in ("brier", "miscalibration", "discrimination")
    )
    assert brier == pytest.approx(mcb - dsc + 1 - (shares**2).sum())


def test_ceiling_floor_and_method_rows_stand_apart(evaluation: Evaluation) -> None:
    table = task_table(evaluation, evaluation.tasks["planted-add"])
    roles = [row.role for row in table.rows]
    assert roles == sorted(roles, key=["ceiling", "method", "floor"].index)
    assert roles.count("ceiling") == 1
    assert table.cell("bayes", "accuracy").estimate.value == 0.79
    assert not any(row.role == "ceiling" for row in survey_table(evaluation).rows)


def test_constant_guesses_are_not_called_calibrated_and_floors_not_cheap(evaluation: Evaluation) -> None:
    task = evaluation.tasks["breast-cancer"]
    assert task.constant == {"prior"}
    table = task_table(evaluation, task)
    assert table.cell("prior", "ece").mark == ""
    assert table.cell("naive-bayes", "fit_wall").mark == "best"
    assert any(table.cell(row.name, "ece").mark == "best" for row in table.rows)


def test_survey_holds_accuracy_calibration_and_cost_with_intervals(evaluation: Evaluation) -> None:
    table = survey_table(evaluation)
    assert {"Accuracy", "Calibration", "Recalibrated", "Cost", "Protocol"} == {group for group, _ in table.groups}
    for key in (
        "balanced_accuracy",
        "auroc",
        "macro_f1",
        "log_loss",
        "brier",
        "smooth_ece",
        "ece_recalibrated",
        "fit_wall",
        "peak_memory",
    ):
        assert table.cell("alignf-svm", key).estimate.bounded, key
    frame = table.frame()
    assert list(frame["method"]) == [row.name for row in table.rows]
    assert frame.set_index("method").loc["alignf-svm", "balanced_accuracy_low"] < 0.81
    assert len(table.narrow().columns) < len(table.columns)
    assert sum(len(panel.columns) for panel in table.panels()) == len(table.columns)


def test_skill_and_sharpness_that_were_planted_are_found(evaluation: Evaluation) -> None:
    task = evaluation.tasks["breast-cancer"]
    loss = task.score("log_loss")
    assert loss.difference("naive-bayes", "alignf-svm").low > 0
    assert task.score("confidence_gap").estimate("naive-bayes").low > 0
    assert task.score("confidence_gap").estimate("late-mean").value < 0
    before, after = (task.score("log_loss", v).estimate("naive-bayes").value for v in ("raw", RECALIBRATED))
    assert after < 0.7 * before


def test_leaderboard_is_the_survey_in_few_columns(evaluation: Evaluation) -> None:
    assert [c.key for c in leaderboard(evaluation).columns] == [
        "mean_rank",
        "balanced_accuracy",
        "auroc",
        "log_loss",
        "ece",
        "fit_wall",
    ]


def test_a_table_refuses_rows_of_another_width() -> None:
    with pytest.raises(ValueError, match="0 cells for 1 columns"):
        Table("t", "T", (Column("a", "A", "G"),), (Row("m", "M", "kernel", "method", ()),))
