"""Scores by site, sex, age band or any other column: the worst group beside the average."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .evaluation import Evaluation, TaskEvaluation
from .findings import Finding
from .leading import leading
from .metrics.registry import METRICS, Metric
from .part import Part
from .statistics.intervals import UNKNOWN, Estimate, losses, percentile, subject_weights
from .table import Cell, Column, Row, Table

MOST_METHODS, LEAST_ROWS, RESAMPLES = 12, 20, 200

_HOW = (
    "The same out-of-fold predictions, scored within each group, with percentile intervals of a bootstrap over its "
    "subjects. The worst of several groups looks worse than it is by chance alone, the more so the smaller the groups: "
    "believe a gap whose intervals are apart. Groups under "
    f"{LEAST_ROWS} rows, or with a single class where the metric needs two, are left out; rows of unknown group too."
)


@dataclass(frozen=True)
class GroupScores:
    """One method by the groups of one column. ``gap``: how much worse the worst is than all rows, above zero."""

    method: str
    whole: float
    groups: tuple[Estimate, ...]
    worst: int
    gap: float


def subgroup_parts(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Iterator[Part]:
    """The section: one table a column, those that are asked for and those that the task shows unasked."""
    tables, said = [], []
    for name, labels, codes, shown in task.info.subgroups:
        if not (shown or name in evaluation.options.by or name.rsplit(".", 1)[-1] in evaluation.options.by):
            continue
        kept, found = by_group(evaluation, task, primary, codes, len(labels))
        if len(kept) < 2 or not found:
            continue
        names = [labels[group] for group in kept]
        tables.append(_table(evaluation, task, primary, name, names, _sizes(task, codes, kept), found))
        said.append(_finding(evaluation, primary, name, names, found[0]))
    findings = tuple(finding for finding in said if finding is not None)
    yield Part("Who is it good for?", (_HOW,), tuple(tables), (), findings)


def by_group(
    evaluation: Evaluation, task: TaskEvaluation, primary: str, codes: npt.NDArray[np.int16], count: int
) -> tuple[list[int], list[GroupScores]]:
    """The groups that can be scored, and the best methods on them, best first."""
    metric = METRICS[primary]
    order = leading(task, primary, MOST_METHODS)
    kept: list[int] = []
    if order:
        y, _, rows, _ = _pooled(task, order[0])[0]
        for group in range(count):
            own = y[codes[rows] == group]
            if len(own) >= LEAST_ROWS and len(np.unique(own)) > 1:
                kept.append(group)
    found = []
    for name in order if len(kept) > 1 else []:
        repeats = _pooled(task, name)
        groups = tuple(_group_score(metric, repeats, codes, group) for group in kept)
        whole = float(np.mean([metric(y, proba) for y, proba, _, _ in repeats]))
        values = np.array([estimate.value for estimate in groups])
        if not np.isfinite(values).any():
            continue
        worst = int(np.nanargmax(losses(values, metric.direction)))
        gap = float(losses(values[[worst]], metric.direction)[0] - losses(np.array([whole]), metric.direction)[0])
        found.append(GroupScores(name, whole, groups, worst, gap))
    return kept, found


Predictions = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def _pooled(task: TaskEvaluation, method: str) -> list[Predictions]:
    """By repeat: truth, probabilities, positions and subjects of all test rows."""
    found = []
    for repeat in sorted({r for r, _ in task.splits}):
        rows = [task.ok[method, s] for s in task.splits if s[0] == repeat and (method, s) in task.ok]
        if rows:
            y, where, groups = (
                np.concatenate([np.asarray(getattr(r, c)) for r in rows]) for c in ("y", "rows", "groups")
            )
            found.append((y.astype(np.int64), np.concatenate([np.asarray(r.proba) for r in rows]), where, groups))
    return found


def _group_score(metric: Metric, repeats: Sequence[Predictions], codes: npt.NDArray[np.int16], group: int) -> Estimate:
    """Mean over repeats, with the bootstrap of the subjects of the first."""
    scores = []
    for y, proba, rows, _ in repeats:
        own = codes[rows] == group
        scores.append(metric(y[own], proba[own]) if own.any() else np.nan)
    if not np.isfinite(scores).any():
        return UNKNOWN
    y, proba, rows, subjects = repeats[0]
    own = codes[rows] == group
    draws = metric.resample(y[own], proba[own], subject_weights(subjects[own], RESAMPLES))
    point = float(np.nanmean(scores))
    return percentile(point, draws + (point - scores[0]))


def _sizes(task: TaskEvaluation, codes: npt.NDArray[np.int16], kept: Sequence[int]) -> list[int]:
    rows = _pooled(task, next(method for method, _ in task.ok))[0][2]
    return [int((codes[rows] == group).sum()) for group in kept]


def _table(
    evaluation: Evaluation,
    task: TaskEvaluation,
    primary: str,
    name: str,
    labels: Sequence[str],
    sizes: Sequence[int],
    found: Sequence[GroupScores],
) -> Table:
    title, direction = METRICS[primary].title, METRICS[primary].direction
    columns = [Column("all", "All rows", "Average", direction=direction, paper=True)]
    columns += [
        Column(f"group{g}", f"{label} (n = {size:,})", name, direction=direction, paper=True)
        for g, (label, size) in enumerate(zip(labels, sizes, strict=True))
    ]
    columns += [
        Column("worst", "Worst", "Worst group", "text", paper=True),
        Column("gap", "Below average", "Worst group", paper=True, description="How much worse the worst group fares."),
    ]
    rows = []
    for own in found:
        info = evaluation.info(own.method)
        cells = (
            Cell(Estimate(own.whole)),
            *map(Cell, own.groups),
            Cell(text=labels[own.worst]),
            Cell(Estimate(own.gap)),
        )
        rows.append(Row(own.method, info.title or own.method, info.family, info.role, cells))
    return Table(
        f"{task.info.name}-by-{name}",
        f"{title} by {name} on {task.info.title or task.info.name}",
        tuple(columns),
        tuple(rows),
        legend=f"The best {len(found)} methods; 95 % intervals within groups.",
    )


def _finding(
    evaluation: Evaluation, primary: str, name: str, labels: Sequence[str], best: GroupScores
) -> Finding | None:
    """Told where the interval of the best method's worst group leaves its average out."""
    worst = best.groups[best.worst]
    if not worst.excludes(best.whole) or best.gap <= 0:
        return None
    info = evaluation.info(best.method)
    title = METRICS[primary].title.lower()
    told = (
        f" does worse by {name} = {labels[best.worst]}: {title} {worst.value:.3f} (95 % interval {worst.low:.3f} to "
        f"{worst.high:.3f}) beside {best.whole:.3f} over all rows."
    )
    return Finding("subgroups", ((info.title or best.method, True), (told, False)))
