"""Every method against the best one on a task: corrected t, bootstrap over cases, DeLong, and practical equivalence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluation import Evaluation, TaskEvaluation
from ..metrics.registry import METRICS
from ..part import Part
from ..statistics.delong import delong_difference
from ..statistics.friedman import holm
from ..statistics.intervals import FEW_SUBJECTS, UNKNOWN, Estimate, gain, losses, percentile, subject_weights
from ..statistics.resampled_test import corrected_t_p, correlated_bayes
from ..table import Cell, Column, Row, Table
from .rope import rope

Floats = npt.NDArray[np.float64]
DRAWS = 500
_AREA = " AUROC: DeLong et al. (1988) on pooled predictions of the first repeat."


@dataclass(frozen=True)
class Against:
    """One method against the best. Differences are method less best, turned so that below zero is worse.

    ``by_splits``: corrected t over splits (a bootstrap of subjects with one test set), ``p`` its two-sided p and
    ``holm`` that p among all methods of the task. ``by_cases``: bootstrap of subjects on pooled test predictions.
    ``area``, ``area_p``: DeLong's, binary. ``worse``, ``same``, ``better``: chances beyond and within the ROPE.
    """

    method: str
    by_splits: Estimate
    p: float
    holm: float
    by_cases: Estimate
    area: Estimate
    area_p: float
    worse: float
    same: float
    better: float


def against_best(task: TaskEvaluation, primary: str) -> tuple[str, tuple[Against, ...]] | None:
    """The best complete method and all others against it, by their score; None where there is nothing to compare."""
    return task.memory.once("against best", primary, lambda: _against_best(task, primary))


def _against_best(task: TaskEvaluation, primary: str) -> tuple[str, tuple[Against, ...]] | None:
    scores = task.score(primary)
    if scores.best is None:
        return None
    best = scores.best
    order = np.argsort(losses(scores.points, scores.direction), kind="stable")
    names = [scores.methods[m] for m in order if scores.complete[m] and scores.methods[m] not in (best, *task.constant)]
    if not names:
        return None
    gaps = np.array([_gaps(task, primary, name, best) for name in names])
    ps = np.array([_p(task, row) for row in gaps])
    adjusted = holm(ps)
    cases = _by_cases(task, primary, [best, *names])
    found = []
    for place, name in enumerate(names):
        area, area_p = _delong(task, name, best)
        chances = (float("nan"),) * 3
        if task.resampled:
            chances = correlated_bayes(gaps[place], task.test_to_train, rope(primary))
        by_splits = gain(scores.difference(name, best), scores.direction)
        found.append(Against(name, by_splits, ps[place], adjusted[place], cases[place], area, area_p, *chances))
    return best, tuple(found)


def _gaps(task: TaskEvaluation, primary: str, name: str, best: str) -> Floats:
    """Differences by split, or by bootstrap draw, below zero where the method is worse than the best."""
    scores = task.score(primary)
    rows = [losses(scores.values[scores.methods.index(n)], scores.direction) for n in (best, name)]
    return rows[0] - rows[1]


def _p(task: TaskEvaluation, gaps: Floats) -> float:
    """Two-sided: of the corrected t, or of the share of bootstrap draws beyond zero."""
    if task.resampled:
        return corrected_t_p(gaps, task.test_to_train)
    known = gaps[np.isfinite(gaps)]
    if len(known) < 2:
        return float("nan")
    tails = [(known <= 0).sum() + 1, (known >= 0).sum() + 1]
    return float(min(1.0, 2 * min(tails) / (len(known) + 1)))


def _by_cases(task: TaskEvaluation, primary: str, names: Sequence[str]) -> list[Estimate]:
    """Differences to the first name with percentile intervals: subjects are drawn, the same for all methods.

    Fewer than ``FEW_SUBJECTS`` are not drawn: the differences stand without an interval.
    """
    metric = METRICS[primary]
    points, draws, weights = [], [], None
    for name in names:
        own_points, own_draws = [], []
        for repeat in sorted({r for r, _ in task.splits}):
            rows = [task.ok[name, s] for s in task.splits if s[0] == repeat]
            where = np.concatenate([np.asarray(r.rows) for r in rows])
            order = np.argsort(where, kind="stable")
            y = np.concatenate([np.asarray(r.y, dtype=np.int64) for r in rows])[order]
            proba = np.concatenate([np.asarray(r.proba, dtype=np.float64) for r in rows])[order]
            if weights is None:
                groups = np.concatenate([np.asarray(r.groups) for r in rows])[order]
                weights = subject_weights(groups, DRAWS if len(np.unique(groups)) >= FEW_SUBJECTS else 1)
            own_points.append(metric(y, proba))
            if weights.shape[1] == len(y):  # each repeat tests the same rows, in another order
                own_draws.append(metric.resample(y, proba, weights))
        points.append(float(np.mean(own_points)))
        draws.append(np.mean(own_draws, axis=0))
    sign = 1.0 if metric.direction == "higher" else -1.0
    return [
        percentile(sign * (point - points[0]), sign * (own - draws[0]))
        for point, own in zip(points[1:], draws[1:], strict=True)
    ]


def _delong(task: TaskEvaluation, name: str, best: str) -> tuple[Estimate, float]:
    """On the pooled test rows of the first repeat; unknown for more than two classes."""
    if len(task.info.classes) != 2:
        return UNKNOWN, float("nan")
    first = min(repeat for repeat, _ in task.splits)
    ours, theirs = task.pooled(name, repeat=first), task.pooled(best, repeat=first)
    if ours is None or theirs is None:
        return UNKNOWN, float("nan")
    return delong_difference(ours[0] == 1, ours[1][:, 1], theirs[1][:, 1])


def comparison_parts(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Iterator[Part]:
    """The section on how sure the order is within a task."""
    found = against_best(task, primary)
    if found is None:
        return
    best, others = found
    info, metric = evaluation.info(best), METRICS[primary]
    title = info.title or best
    binary = len(task.info.classes) == 2
    text = [
        f"Every method against the best, {title}, which was picked by its score on the same rows: differences to it "
        f"are a little too large. P values are corrected after Holm for the {len(others)} comparisons of this task. "
        + (
            "Over splits: corrected resampled t (Nadeau and Bengio 2003). Over cases: a bootstrap of subjects on "
            "pooled predictions, which leaves the choice of training rows out."
            if task.resampled
            else "With one test set both are a bootstrap of its subjects."
        ),
        f"Practically the same: within {rope(primary):g} of the best, by the Bayesian correlated t test (Corani and "
        f"Benavoli 2015).{_AREA if binary else ''}",
    ]
    yield Part("How sure is the order?", tuple(text), (_table(evaluation, task, best, others, metric.title, binary),))


def _table(
    evaluation: Evaluation, task: TaskEvaluation, best: str, others: Sequence[Against], title: str, binary: bool
) -> Table:
    columns = [
        Column("by_splits", "Over splits", f"{title} less the best", paper=True),
        Column("p", "p", f"{title} less the best", "p"),
        Column("holm", "p (Holm)", f"{title} less the best", "p", paper=True),
        Column("by_cases", "Over cases", f"{title} less the best", paper=True),
    ]
    if binary:
        columns += [
            Column("area", "AUROC less the best", "DeLong", paper=True),
            Column("area_p", "p", "DeLong", "p", paper=True),
        ]
    columns += [
        Column("worse", "Worse", "Probability of being", paper=True),
        Column("same", "Practically the same", "Probability of being", paper=True),
        Column("better", "Better", "Probability of being", paper=True),
    ]
    rows = []
    for own in others:
        info = evaluation.info(own.method)
        cells = [Cell(own.by_splits), Cell(Estimate(own.p)), Cell(Estimate(own.holm)), Cell(own.by_cases)]
        cells += [Cell(own.area), Cell(Estimate(own.area_p))] if binary else []
        cells += [Cell(Estimate(value)) for value in (own.worse, own.same, own.better)]
        rows.append(Row(own.method, info.title or own.method, info.family, info.role, tuple(cells)))
    best_title = evaluation.info(best).title or best
    return Table(
        f"{task.info.name}-against-best",
        f"Against {best_title} on {task.info.title or task.info.name}",
        tuple(columns),
        tuple(rows),
        legend=f"Below zero: worse than {best_title}. A family of {len(others)} tests.",
    )
