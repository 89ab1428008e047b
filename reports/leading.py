"""Which methods a figure or a narrow table shows when there are many."""

from __future__ import annotations

import numpy as np

from .evaluation import TaskEvaluation
from .statistics.intervals import losses


def leading(task: TaskEvaluation, primary: str, most: int) -> list[str]:
    """The best complete methods of a task that look at the features, best first, at most ``most``."""
    scores = task.score(primary)
    order = np.argsort(losses(scores.points, scores.direction), kind="stable")
    named = [scores.methods[m] for m in order if scores.complete[m] and np.isfinite(scores.points[m])]
    return [name for name in named if name not in task.constant][:most]
