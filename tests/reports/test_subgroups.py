"""Scores by subgroup: a planted weak group is found, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from fusebench.reports.evaluation import Evaluation
from fusebench.reports.options import Options
from fusebench.reports.results import Results
from fusebench.reports.subgroups import by_group, subgroup_parts
from fusebench.reports.tables import PRIMARY

TASK = "breast-cancer"
N = 300


@pytest.fixture(scope="module")
def grouped(kit):
    """Predictions of the rows of one group turned into guesses; a group of five rows; a column that tells nothing."""
    results = kit.synthetic(kit.TASKS[:1])
    weak = np.arange(N) % 3 == 0
    rng = np.random.default_rng(0)
    for row in results.outcomes.itertuples():
        if row.status == "ok":
            own = weak[row.rows]
            row.proba[own] = rng.dirichlet([1, 1], size=own.sum())
    codes = np.where(weak, 1, 0).astype(np.int16)
    codes[np.arange(N) >= N - 15] = np.where(weak[-15:], 2, -1)
    subgroups = (
        ("site", ("near", "far", "tiny"), codes, True),
        ("blood.iron", ("low", "high"), (np.arange(N) // 7 % 2).astype(np.int16), False),
    )
    info = replace(results.tasks[TASK], subgroups=subgroups)
    return Results(results.outcomes, {TASK: info}, results.methods)


def section(grouped, **options):
    evaluation = Evaluation(grouped, options=Options(**options))
    (part,) = subgroup_parts(evaluation, evaluation.tasks[TASK], PRIMARY)
    return part


def test_the_weak_group_is_the_worst_of_every_method_and_told(grouped):
    part = section(grouped)
    (table,) = part.tables
    assert table.name == f"{TASK}-by-site"
    assert [column.title for column in table.columns[1:3]] == ["near (n = 190)", "far (n = 95)"]  # the tiny one is out
    assert {table.cell(row.name, "worst").text for row in table.rows} == {"far"}
    assert "does worse by site = far" in part.findings[0].text


def test_scores_are_those_of_the_rows_of_the_group(grouped):
    evaluation = Evaluation(grouped)
    task = evaluation.tasks[TASK]
    codes = task.info.subgroups[0][2]
    kept, found = by_group(evaluation, task, PRIMARY, codes, 3)
    assert kept == [0, 1]
    own = found[0]
    by_repeat = []
    for repeat in (0, 1):
        rows = [task.ok[own.method, s] for s in task.splits if s[0] == repeat]
        where, y = np.concatenate([r.rows for r in rows]), np.concatenate([r.y for r in rows])
        guess = np.concatenate([r.proba for r in rows]).argmax(axis=1)
        inside = codes[where] == 1
        by_repeat.append(balanced_accuracy_score(y[inside], guess[inside]))
    np.testing.assert_allclose(own.groups[1].value, np.mean(by_repeat))
    assert own.groups[1].low < own.groups[1].value < own.groups[1].high
    np.testing.assert_allclose(own.gap, own.whole - own.groups[1].value)


def test_other_columns_are_shown_when_asked_by_full_name_or_column(grouped):
    for name in ("blood.iron", "iron"):
        part = section(grouped, by=(name,))
        assert [table.name for table in part.tables] == [f"{TASK}-by-site", f"{TASK}-by-blood.iron"]


def test_no_gap_is_told_where_there_is_none(grouped, kit):
    results = kit.synthetic(kit.TASKS[:1])
    info = replace(grouped.tasks[TASK], subgroups=(("even", ("a", "b"), (np.arange(N) % 2).astype(np.int16), True),))
    part = section(Results(results.outcomes, {TASK: info}, results.methods))
    assert part.tables
    assert not part.findings


def test_without_groups_there_is_no_section(kit):
    evaluation = Evaluation(kit.synthetic(kit.TASKS[:1]))
    (part,) = subgroup_parts(evaluation, evaluation.tasks[TASK], PRIMARY)
    assert part.empty
