"""Groups of methods that claims compare, and their figures on a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..evaluation import Evaluation, TaskEvaluation, kept
from ..metrics.registry import METRICS
from ..scores import Scores
from ..statistics.intervals import losses

Floats = npt.NDArray[np.float64]


def members(evaluation: Evaluation, task: TaskEvaluation, **wanted: str | Sequence[str]) -> list[str]:
    """Complete methods of a task whose card has these values, such as family="neural", fusion=("early", "late")."""
    found = []
    for name, whole in zip(task.methods, task.complete, strict=True):
        info = evaluation.info(name)
        fits = all(getattr(info, key) in ([v] if isinstance(v, str) else v) for key, v in wanted.items())
        if whole and fits and name not in task.constant:
            found.append(name)
    return found


def mean_of(scores: Scores, names: Sequence[str]) -> float:
    """Mean figure of some methods; NaN where none has one."""
    values = np.array([scores.points[scores.methods.index(name)] for name in names], dtype=np.float64)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def skill(task: TaskEvaluation, primary: str) -> Scores:
    """Scores turned so that more is better."""
    from dataclasses import replace

    scores = task.score(primary)
    return replace(scores, points=-losses(scores.points, scores.direction), direction="higher")


def seconds(task: TaskEvaluation, name: str) -> float:
    """Mean seconds of tuning and fitting a split."""
    place = task.methods.index(name)
    return float(np.nan_to_num(task.cost("tune_wall").points[place]) + task.cost("fit_wall").points[place])


def turned(metric: str, y: Any, proba: Any) -> float:
    """A score of stored arrays, turned so that more is better; NaN where there are none."""
    if not (kept(y) and kept(proba)) or not len(y):
        return float("nan")
    value = METRICS[metric](np.asarray(y, dtype=np.int64), np.asarray(proba, dtype=np.float64))
    return float(-losses(np.array([value]), METRICS[metric].direction)[0])


def by_split(task: TaskEvaluation, name: str, metric: str, y: str, proba: str) -> np.ndarray:
    """A score of other stored rows, validation rows or rows that were fitted on, of every successful split; (J,)."""
    return np.array([turned(metric, getattr(row, y), getattr(row, proba)) for row in task.ok_of(name)], dtype=float)


def mean_over_splits(task: TaskEvaluation, name: str, metric: str, y: str, proba: str) -> float:
    """Mean over splits of ``by_split``; NaN where no split has such rows."""
    values = by_split(task, name, metric, y, proba)
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def known(values: Mapping[str, float]) -> dict[str, float]:
    """Only the tasks that have a figure."""
    return {name: value for name, value in values.items() if np.isfinite(value)}
