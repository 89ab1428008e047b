"""What the section on trust is computed from: pooled predictions, and the sets of each split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluation import TaskEvaluation, kept
from ..statistics.intervals import UNKNOWN, Estimate, corrected_t
from .conformal import KINDS, class_coverage, coverage

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SetScores:
    """Sets of one kind: share that holds the truth, mean size, and the least covered class."""

    coverage: Estimate
    size: Estimate
    worst_class: str
    worst: float


def by_repeat(task: TaskEvaluation, method: str, score: Callable[[Codes, Floats], float]) -> float:
    """Mean over repeats of a score of all test rows of a repeat."""
    found = []
    for repeat in sorted({r for r, _ in task.splits}):
        pooled = task.pooled(method, repeat=repeat)
        if pooled is not None:
            found.append(score(*pooled))
    return float(np.mean(found)) if found else float("nan")


def set_scores(task: TaskEvaluation, method: str, kind: str, miss: float) -> SetScores | None:
    """Coverage and size of a method's sets over splits; None where a split kept no validation probabilities."""
    held, sizes, classes = [], [], []
    for split in task.splits:
        row = task.ok.get((method, split))
        if row is None or not kept(row.val_proba) or not kept(row.val_y) or not len(row.val_y):
            return None
        y = np.asarray(row.y, dtype=np.int64)
        truth, validation = np.asarray(row.val_y), np.asarray(row.val_proba, dtype=np.float64)
        sets = KINDS[kind](truth, validation, np.asarray(row.proba, dtype=np.float64), miss)
        held.append(coverage(y, sets))
        sizes.append(float(sets.sum(axis=1).mean()))
        classes.append(class_coverage(y, sets))
    known = np.array(classes)
    seen = np.isfinite(known).any(axis=0)
    means = np.full(known.shape[1], np.nan)
    means[seen] = np.nanmean(known[:, seen], axis=0)
    if not seen.any():
        return None
    worst = int(np.nanargmin(means))
    return SetScores(
        _over(task, np.array(held)), _over(task, np.array(sizes)), task.info.classes[worst], float(means[worst])
    )


def _over(task: TaskEvaluation, values: Floats) -> Estimate:
    """Over splits; refits on one test set tell nothing of other rows, and get no interval."""
    if not len(values):
        return UNKNOWN
    return corrected_t(values, task.test_to_train) if task.resampled else Estimate(float(values.mean()), n=len(values))
