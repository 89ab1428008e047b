"""The tables of a report: one for each task, one survey over all tasks, and the leaderboard of the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from .columns import ACCURACY, COST, FIGURES, TEXTS, FigureColumn
from .evaluation import Evaluation, TaskEvaluation
from .metrics.cards import Direction
from .metrics.registry import METRICS
from .results import Results
from .scores import Scores
from .statistics.intervals import (
    FEW_VALUES,
    UNKNOWN,
    Estimate,
    corrected_t,
    losses,
    over_tasks,
    ranks,
    task_draws,
    win_rates,
)
from .table import Cell, Column, Form, Mark, Row, Table

PRIMARY = "balanced_accuracy"

STATUS_WORDS: Mapping[str, str] = {
    "skipped": "skipped",
    "failed": "failed",
    "timeout": "timeout",
    "out_of_memory": "out of memory",
    "not_installed": "not installed",
}

MARKS = (
    "Bold: best of its column. ≈: not distinguishable from the best (the 95 % interval of the paired difference holds "
    "zero). Figures are means with 95 % intervals. Cost marks leave the floor rows out, and constant "
    "guesses are not marked for calibration, which they have for nothing."
)


class Notes:
    """Footnotes in order of first use, each told once."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, text: str) -> int:
        """The 1-based number of a footnote."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def task_table(evaluation: Evaluation, task: TaskEvaluation, primary: str = PRIMARY) -> Table:
    """All figures of one task: ceiling, methods from best to worst, floor."""
    notes = Notes()
    scores = [figure.produce(task) for figure in FIGURES]
    marks = [_task_marks(evaluation, task, figure.column, s) for figure, s in zip(FIGURES, scores, strict=True)]
    rows = []
    for name in _ordered(task.methods, task.score(primary)):
        info = evaluation.info(name)
        figures = [Cell(s.estimate(name), m.get(name, "")) for s, m in zip(scores, marks, strict=True)]
        texts = [Cell(text=text.produce(task, name)) for text in TEXTS]
        status, remarks = _trouble(task, name, notes)
        if info.transductive:
            remarks = (*remarks, notes.add("Transductive: it sees the features of the test rows while it fits."))
        cells = (*figures, *texts)
        rows.append(Row(name, info.title or name, info.family, info.role, cells, status, remarks, info.fusion))
    columns = (*(f.column for f in FIGURES), *(t.column for t in TEXTS))
    ceiling = _ceiling(columns, [task.info.bayes])
    return Table(
        task.info.name,
        task.info.title or task.info.name,
        columns,
        _by_role(rows, ceiling),
        tuple(notes.texts),
        f"{MARKS} {_how(task)}",
    )


def _how(task: TaskEvaluation) -> str:
    """Where the intervals of a task come from, and why some are missing."""
    told = f"Corrected resampled t intervals over {len(task.splits)} splits."
    if task.resampled and len(task.splits) < FEW_VALUES:
        told += " What is the same on all of so few has none."
    elif task.few_subjects:
        told = f"No intervals of scores: the one test set holds {task.few_subjects} subjects, too few to be resampled."
    elif not task.resampled:
        told = f"Percentile intervals of {task.resamples} bootstrap samples of the subjects of the one test set."
    if len(task.splits) > 1 or task.few_subjects:
        return told
    return f"{told} One split: what another training would give, they do not tell."


def survey_table(evaluation: Evaluation, primary: str = PRIMARY) -> Table:
    """Accuracy, calibration and cost of every method over all tasks, with its mean rank and win rate.

    Figures are means over tasks with a task bootstrap. Only methods complete on every task are ranked and marked; the
    others show the mean over the tasks they completed, with a note. With one task the figures are that task's own.
    """
    return evaluation.memory.once("survey table", primary, lambda: _survey_table(evaluation, primary))


def _survey_table(evaluation: Evaluation, primary: str) -> Table:
    tasks = list(evaluation.tasks.values())
    names = evaluation.methods
    notes, draws = Notes(), task_draws(max(len(tasks), 1))
    complete = evaluation.across(lambda t: t.score(primary))[1]
    everywhere = np.array([len(tasks) > 0 and bool(column.all()) for column in complete.T], dtype=bool)
    columns: list[Column] = []
    cells: dict[str, list[Cell]] = {name: [] for name in names}
    for column, estimates, marks in [
        *_rank_columns(evaluation, primary, everywhere, draws),
        *(_survey_column(evaluation, figure, everywhere, draws) for figure in FIGURES),
    ]:
        columns.append(column)
        for name in names:
            cells[name].append(Cell(estimates[name], marks.get(name, "")))
    for text in TEXTS:
        columns.append(text.column)
        for name in names:
            told = dict.fromkeys(text.produce(t, name) for t in tasks if name in t.methods)
            cells[name].append(Cell(text=" / ".join(w for w in told if w)))
    place = next(i for i, c in enumerate(columns) if c.key == primary)
    order = sorted(
        names,
        key=lambda n: _sort_key(
            cells[n][place].estimate.value, METRICS[primary].direction, bool(everywhere[names.index(n)])
        ),
    )
    rows = []
    for name in order:
        info = evaluation.info(name)
        done = [t.info.name for t in tasks if name in t.methods and t.complete[t.methods.index(name)]]
        remarks: tuple[int, ...] = ()
        if len(done) < len(tasks):
            absent = [t.info.title or t.info.name for t in tasks if t.info.name not in done]
            gap = f"Incomplete on {', '.join(absent)}: not ranked or marked; its means are over what it completed."
            remarks = (notes.add(gap),)
        known = any(cell.estimate.known for cell in cells[name])
        rows.append(
            Row(
                name,
                info.title or name,
                info.family,
                info.role,
                tuple(cells[name]),
                "" if known else "no results",
                remarks,
                info.fusion,
            )
        )
    how = (
        f"Means over {len(tasks)} tasks with percentile intervals of a task bootstrap; marks by paired t intervals."
        if len(tasks) > 1
        else " ".join(["One task only: figures, intervals and marks are that task's.", *map(_how, tasks)])
    )
    ceiling = _ceiling(tuple(columns), [t.info.bayes for t in tasks])
    return Table(
        "survey", "Survey over all tasks", tuple(columns), _by_role(rows, ceiling), tuple(notes.texts), f"{MARKS} {how}"
    )


def leaderboard(results: Results | Evaluation, primary: str = PRIMARY) -> Table:
    """The survey table in the few columns that a terminal has room for."""
    evaluation = results if isinstance(results, Evaluation) else Evaluation(results)
    wanted = ("mean_rank", "balanced_accuracy", "auroc", "log_loss", "ece", "fit_wall")
    return survey_table(evaluation, primary).select(lambda column: column.key in (*wanted, primary))


def _survey_column(
    evaluation: Evaluation, figure: FigureColumn, everywhere: npt.NDArray[np.bool_], draws: npt.NDArray[np.int64]
) -> tuple[Column, dict[str, Estimate], dict[str, Mark]]:
    column, produce = figure.column, figure.produce
    names = evaluation.methods
    tasks = list(evaluation.tasks.values())
    if len(tasks) == 1:
        scores = produce(tasks[0])
        return column, {n: scores.estimate(n) for n in names}, _task_marks(evaluation, tasks[0], column, scores)
    points, _ = evaluation.across(produce)
    whole = [m for m in range(len(names)) if everywhere[m] and np.isfinite(points[:, m]).all()]
    estimates = {names[m]: own for m, own in zip(whole, over_tasks(points[:, whole], draws), strict=True)}
    for m, name in enumerate(names):
        if name not in estimates:
            known = points[np.isfinite(points[:, m]), m]
            estimates[name] = Estimate(float(known.mean()), n=len(known)) if len(known) else UNKNOWN
    marked = [m for m in whole if _marks_row(evaluation, column, names[m])]
    return column, estimates, _paired_marks(points, marked, names, column)


def _paired_marks(
    points: npt.NDArray[np.float64], marked: list[int], names: tuple[str, ...], column: Column
) -> dict[str, Mark]:
    """Best mean over tasks, and those whose paired differences over tasks have a t interval that holds zero."""
    if len(marked) < 2 or column.direction is None:
        return {}
    turned = losses(points, column.direction)
    best = min(marked, key=lambda m: turned[:, m].mean())
    marks: dict[str, Mark] = {names[best]: "best"}
    for m in marked:
        if m != best and not corrected_t(turned[:, m] - turned[:, best], 0.0).excludes(0.0):
            marks[names[m]] = "tied"
    return marks


def _rank_columns(
    evaluation: Evaluation, primary: str, everywhere: npt.NDArray[np.bool_], draws: npt.NDArray[np.int64]
) -> list[tuple[Column, dict[str, Estimate], dict[str, Mark]]]:
    """Mean rank and win rate in the primary metric among the methods complete on every task."""
    names = evaluation.methods
    metric = METRICS[primary]
    points, _ = evaluation.across(lambda t: t.score(primary))
    ranked = [m for m in range(len(names)) if everywhere[m] and np.isfinite(points[:, m]).all()]
    count = f"{len(ranked)} methods complete on every task"
    found: list[tuple[Column, dict[str, Estimate], dict[str, Mark]]] = []
    kinds: tuple[tuple[str, str, Form, Callable[..., npt.NDArray[np.float64]], Direction, str], ...] = (
        (
            "mean_rank",
            "Mean rank",
            "rank",
            ranks,
            "lower",
            f"Mean rank by {metric.title.lower()} among the {count}; 1 is best.",
        ),
        (
            "win_rate",
            "Win rate",
            "score",
            win_rates,
            "higher",
            f"Share of the other {count} that it beats on a task, ties half.",
        ),
    )
    for key, title, form, compute, direction, told in kinds:
        column = Column(key, title, ACCURACY, form, direction, 1.0, key == "mean_rank", description=told)
        estimates = dict.fromkeys(names, UNKNOWN)
        marks: dict[str, Mark] = {}
        if ranked:
            values = np.full(points.shape, np.nan)
            values[:, ranked] = compute(points[:, ranked], metric.direction)
            for m, estimate in zip(ranked, over_tasks(values[:, ranked], draws), strict=True):
                estimates[names[m]] = estimate
            if len(points) > 1:
                marks = _paired_marks(values, ranked, names, column)
        found.append((column, estimates, marks))
    return found


def _task_marks(evaluation: Evaluation, task: TaskEvaluation, column: Column, scores: Scores) -> dict[str, Mark]:
    """The best and its equals: none without an interval to tell by, and none among fewer than two methods."""
    allowed = [n for n in scores.methods if _marks_row(evaluation, column, n)]
    kept = scores if len(allowed) == len(scores.methods) else scores.only(allowed)
    rivals = int((kept.complete & np.isfinite(kept.points)).sum())
    if kept.best is None or rivals < 2 or not task.tells(kept.estimate(kept.best)):
        return {}
    return {kept.best: "best", **dict.fromkeys(kept.tied, "tied")}


def _marks_row(evaluation: Evaluation, column: Column, method: str) -> bool:
    """Floor rows are cheap by design, and a constant guess is calibrated by design: a mark there would say nothing."""
    if column.group == COST:
        return evaluation.info(method).role != "floor"
    return not (column.trivial and method in evaluation.constant)


def _ordered(names: tuple[str, ...], scores: Scores) -> list[str]:
    return sorted(
        names,
        key=lambda n: _sort_key(
            float(scores.points[scores.methods.index(n)]),
            scores.direction,
            bool(scores.complete[scores.methods.index(n)]),
        ),
    )


def _sort_key(value: float, direction: str, complete: bool) -> tuple[int, float]:
    """Complete rows first, then by value; rows without a figure last."""
    if not np.isfinite(value):
        return (2, 0.0)
    return (0 if complete else 1, float(losses(np.array(value), direction)))  # type: ignore[arg-type]


def _trouble(task: TaskEvaluation, method: str, notes: Notes) -> tuple[str, tuple[int, ...]]:
    """The status word of a method without any result, and footnotes on everything that was not ok."""
    bad = task.failures(method)
    numbers = []
    alike = bad.groupby(["status", "phase", "reason"], dropna=False, sort=False) if len(bad) else ()
    for (status, phase, reason), rows in alike:
        where = f" in {phase}" if isinstance(phase, str) and phase and phase != "skip" else ""
        told = reason if isinstance(reason, str) and reason else "no reason was given"
        share = (
            ""
            if len(rows) == len(task.splits)
            else f" ({len(rows)} of {len(task.splits)} splits; figures are over the others, not ranked or marked)"
        )
        numbers.append(notes.add(f"{STATUS_WORDS.get(str(status), str(status)).capitalize()}{where}: {told}{share}."))
    missing = len(task.splits) - len(task.rows_of(method))
    if missing > 0:
        numbers.append(
            notes.add(
                f"Not run on {missing} of {len(task.splits)} splits; figures are over the others, not ranked or marked."
            )
        )
    if method in task.constant:
        numbers.append(notes.add("Gives all test rows of a split the same probabilities: a guess."))
    has_any = any((method, split) in task.ok for split in task.splits)
    status = "" if has_any else " / ".join(STATUS_WORDS.get(s, s) for s in dict.fromkeys(bad["status"]))
    return status, tuple(numbers)


def _ceiling(columns: tuple[Column, ...], known: list[Mapping[str, float]]) -> Row | None:
    """The closed-form best scores, where every task that the table covers has them."""

    def best(key: str) -> Estimate:
        values = [b.get(key, np.nan) for b in known]
        return Estimate(float(np.mean(values))) if values and np.isfinite(values).all() else UNKNOWN

    cells = tuple(Cell(best(column.key)) for column in columns)
    if not any(cell.estimate.known for cell in cells):
        return None
    return Row("bayes", "Bayes optimum", "", "ceiling", cells)


def _by_role(rows: list[Row], ceiling: Row | None) -> tuple[Row, ...]:
    order = {"ceiling": 0, "method": 1, "floor": 2}
    every = [*([ceiling] if ceiling else []), *rows]
    return tuple(sorted(every, key=lambda row: order.get(row.role, 1)))
