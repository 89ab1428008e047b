"""Who errs on which rows: the share of splits in which each method gets each row wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluation import TaskEvaluation

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Errors:
    """Errors on the test rows of a task.

    Parameters
    ----------
    methods: names (M,). rows: positions in the task (n,). y: true codes (n,).
    wrong: (M, n) share of repeats in which the method was wrong; NaN where it never predicted the row.
    mistaken: (n,) the class that most wrong predictions named; -1 where there was none.
    """

    methods: tuple[str, ...]
    rows: Codes
    y: Codes
    wrong: Floats
    mistaken: Codes

    @property
    def share(self) -> Floats:
        """(n,) mean over methods: how hard a row is."""
        return np.asarray(np.nanmean(self.wrong, axis=0))

    @property
    def missed_by_all(self) -> npt.NDArray[np.bool_]:
        """(n,) rows that every method gets wrong in more than half of its predictions."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.wrong > 0.5).all(axis=0))

    def best_alone(self) -> float:
        """The share of rows that the best of the methods gets wrong."""
        return float(np.nanmean(self.wrong, axis=1).min())


def errors(task: TaskEvaluation, methods: Sequence[str]) -> Errors | None:
    """The errors of some methods; None where none of them has predictions."""
    there = [name for name in methods if any((name, split) in task.ok for split in task.splits)]
    if not there:
        return None
    size = 1 + max(int(np.max(row.rows)) for row in task.ok.values() if len(row.rows))
    classes = len(task.info.classes)
    wrong, seen = np.zeros((len(there), size)), np.zeros((len(there), size))
    truth = np.full(size, -1, dtype=np.int64)
    named = np.zeros((size, classes))
    for m, name in enumerate(there):
        for split in task.splits:
            if (name, split) not in task.ok:
                continue
            row = task.ok[name, split]
            at, y = np.asarray(row.rows), np.asarray(row.y)
            guess = np.asarray(row.proba).argmax(axis=1)
            bad = guess != y
            truth[at] = y
            seen[m, at] += 1
            wrong[m, at] += bad
            np.add.at(named, (at[bad], guess[bad]), 1)
    rows = np.flatnonzero(truth >= 0)
    share = np.divide(wrong, seen, out=np.full_like(wrong, np.nan), where=seen > 0)
    mistaken = np.where(named.sum(axis=1) > 0, named.argmax(axis=1), -1)
    return Errors(tuple(there), rows, truth[rows], share[:, rows], mistaken[rows])
