"""What changed between two results: scores paired by split, costs, and what ended otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evaluation import Evaluation, TaskEvaluation
from .findings import Finding
from .metrics.registry import METRICS
from .part import Part
from .scores import Scores
from .statistics.intervals import UNKNOWN, Estimate, corrected_t, percentile
from .table import Cell, Column, Row, Table

SAME = 1e-12
MOST = 200
_RATIO = 1.5

_HOW = (
    "Cells that both results hold, where something differs: the difference is second minus first, paired by split "
    "where data and splits are the same. Equal code on equal data gives equal predictions on any machine, so that a "
    "score that moved tells of changed code, settings, packages or data; seconds tell of the machine as well."
)


@dataclass(frozen=True)
class Change:
    """One method on one task in both results. ``ratio``: seconds of tuning and fitting, second over first."""

    task: str
    method: str
    before: Estimate
    after: Estimate
    difference: Estimate
    ratio: float
    told: str

    @property
    def moved(self) -> bool:
        """Whether a score, a status or (beyond what a busy machine does) a cost differs."""
        score = self.before.known and self.after.known and abs(self.before.value - self.after.value) > SAME
        return bool(score or self.told or not 1 / _RATIO <= self.ratio <= _RATIO)


def changes_part(before: Evaluation, after: Evaluation, names: tuple[str, str], primary: str) -> Part:
    """The section on what changed between two results, called by ``names``."""
    found = [
        _change(before.tasks[name], task, method, primary)
        for name, task in after.tasks.items()
        if name in before.tasks
        for method in task.methods
        if method in before.tasks[name].methods
    ]
    moved = sorted((c for c in found if c.moved), key=_order)
    text = [_HOW, _counts(found, moved), *_only(before, after, names)]
    if len(moved) > MOST:
        text.append(f"The {MOST} largest changes of {len(moved)} are shown.")
    said = _finding(moved, names, primary)
    title = f"What changed from {names[0]} to {names[1]}"
    tables = (_table(before, after, moved[:MOST], names, primary),) if moved else ()
    return Part(title, tuple(text), tables, (), (said,) if said else ())


def _change(before: TaskEvaluation, after: TaskEvaluation, method: str, primary: str) -> Change:
    scores = before.score(primary), after.score(primary)
    told = []
    if before.info.fingerprint != after.info.fingerprint:
        told.append("other data")
    states = [_state(task, method) for task in (before, after)]
    if states[0] != states[1]:
        told.append(f"{states[0]}, then {states[1]}")
    paired = before.info.fingerprint == after.info.fingerprint and _same_rows(before, after, method)
    seconds = [_seconds(task, method) for task in (before, after)]
    return Change(
        after.info.name,
        method,
        scores[0].estimate(method),
        scores[1].estimate(method),
        _difference(before, after, scores, method) if paired else UNKNOWN,
        seconds[1] / seconds[0] if seconds[0] > 0 else float("nan"),
        "; ".join(told),
    )


def _state(task: TaskEvaluation, method: str) -> str:
    bad = task.failures(method)["status"]
    if not len(bad):
        return "ok"
    kinds = ", ".join(str(kind).replace("_", " ") for kind in dict.fromkeys(bad))
    return kinds if len(bad) == len(task.splits) else f"{kinds} in {len(bad)} splits"


def _same_rows(before: TaskEvaluation, after: TaskEvaluation, method: str) -> bool:
    shared = [s for s in after.splits if (method, s) in after.ok and (method, s) in before.ok]
    return bool(shared) and all(np.array_equal(before.ok[method, s].rows, after.ok[method, s].rows) for s in shared)


def _difference(before: TaskEvaluation, after: TaskEvaluation, scores: tuple[Scores, Scores], method: str) -> Estimate:
    rows = [s.values[s.methods.index(method)] for s in scores]
    if scores[0].test_to_train is None or scores[1].test_to_train is None:
        point = scores[1].estimate(method).value - scores[0].estimate(method).value
        if len(rows[0]) != len(rows[1]):
            return Estimate(point)
        return percentile(point, rows[1] - rows[0])
    shared = [s for s in after.splits if s in before.splits]
    gap = np.array([rows[1][after.splits.index(s)] - rows[0][before.splits.index(s)] for s in shared])
    return corrected_t(gap, after.test_to_train)


def _seconds(task: TaskEvaluation, method: str) -> float:
    place = task.methods.index(method)
    return float(np.nan_to_num(task.cost("tune_wall").points[place]) + task.cost("fit_wall").points[place])


def _order(change: Change) -> tuple[bool, bool, float]:
    """What ended otherwise first, then scores by the size of their change."""
    gap = abs(change.after.value - change.before.value)
    return (not change.told, not change.difference.excludes(0.0), -gap if np.isfinite(gap) else 0.0)


def _counts(found: list[Change], moved: list[Change]) -> str:
    scored = [c for c in found if c.before.known and c.after.known]
    equal = sum(abs(c.after.value - c.before.value) <= SAME for c in scored)
    other = sum(bool(c.told) for c in found)
    return (
        f"Both hold {len(found)} cells of method and task: {equal} with the same score, {len(scored) - equal} with "
        f"another, {other} that ended otherwise or on other data."
    )


def _only(before: Evaluation, after: Evaluation, names: tuple[str, str]) -> list[str]:
    told = []
    for name, own, other in ((names[0], before, after), (names[1], after, before)):
        for what, mine, theirs in (
            ("tasks", own.tasks, other.tasks),
            ("methods", own.methods, other.methods),
        ):
            alone = [str(one) for one in mine if one not in theirs]
            if alone:
                told.append(f"Only {name} has the {what} {', '.join(alone)}.")
    return told


def _finding(moved: list[Change], names: tuple[str, str], primary: str) -> Finding | None:
    sure = [c for c in moved if c.difference.excludes(0.0)]
    if not moved:
        return None
    title = METRICS[primary].title.lower()
    return Finding(
        "changes",
        ((f"From {names[0]} to {names[1]}, {len(sure)} cells moved distinguishably in {title}.", False),),
    )


def _table(before: Evaluation, after: Evaluation, moved: list[Change], names: tuple[str, str], primary: str) -> Table:
    title = METRICS[primary].title
    columns = (
        Column("task", "Task", "Cell", "text", paper=True),
        Column("before", f"{names[0]}", title, paper=True, description=f"{title} in the first results."),
        Column("after", f"{names[1]}", title, paper=True, description=f"{title} in the second results."),
        Column("difference", "Difference", title, paper=True, description="Second minus first, paired by split."),
        Column("ratio", "Time ratio", "Cost", paper=True, description="Seconds to tune and fit, second over first."),
        Column("told", "What else", "Cell", "text", paper=True),
    )
    rows = []
    for change in moved:
        info = after.info(change.method)
        cells = (
            Cell(text=after.tasks[change.task].info.title or change.task),
            Cell(change.before),
            Cell(change.after),
            Cell(change.difference),
            Cell(Estimate(change.ratio)),
            Cell(text=change.told),
        )
        rows.append(Row(change.method, info.title or change.method, info.family, info.role, cells))
    return Table("changes", f"What changed from {names[0]} to {names[1]}", columns, tuple(rows))
