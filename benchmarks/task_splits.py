"""The splits of a task: as the results hold them, or as a run would make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fusebench.datasets.subgroups import subgroups_of

from .job import Budget, Job
from .plan import PlannedTask, make_plan
from .records import task_info
from .runner import choose
from .store import ResultStore

Split = tuple[int, int]
IMPORTED = "import:"
"""Begins the name of methods that were run elsewhere, so that none is taken for one of the registry."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TaskSplits:
    """A task under one protocol: who its rows are, and which of them train and test in every split.

    Parameters
    ----------
    name, fingerprint: of the task. classes: their names; y: codes (n,). ids: names of the rows (n,).
    folds, seed, budget: of the protocol, as jobs carry them.
    rows: training and test positions by (repeat, fold).
    """

    name: str
    fingerprint: str
    classes: tuple[str, ...]
    y: Rows
    ids: npt.NDArray[np.str_]
    folds: int
    seed: int
    budget: Budget
    rows: Mapping[Split, tuple[Rows, Rows]]

    def job(self, split: Split, label: str, source: str) -> Job:
        """The cell of a method that was run elsewhere."""
        repeat, fold = split
        return Job(
            task=self.name,
            fingerprint=self.fingerprint,
            method=f"{IMPORTED}{label}",
            label=label,
            params="{}",
            modalities=(),
            folds=self.folds,
            repeat=repeat,
            fold=fold,
            seed=self.seed,
            budget=self.budget,
            source=source,
        )


def stored_splits(store: ResultStore, task: str) -> TaskSplits | None:
    """The splits that the task was last run with; None where the results do not hold it."""
    jobs = [(number, job) for number, job in store.planned() if job.task == task]
    if not jobs:
        return None
    number = max(number for number, _ in jobs)
    last = next(job for run, job in reversed(jobs) if run == number)
    same = (last.fingerprint, last.seed, last.folds)
    whole = {(j.repeat, j.fold): j for _, j in jobs if (j.fingerprint, j.seed, j.folds) == same}
    kept = store.task(last.fingerprint)
    return TaskSplits(
        task,
        last.fingerprint,
        tuple(kept["info"]["classes"]),
        kept["y"],
        kept["ids"],
        last.folds,
        last.seed,
        last.budget,
        {split: store.split(job) for split, job in sorted(whole.items())},
    )


def planned_splits(task: str, **changes: Any) -> tuple[TaskSplits, PlannedTask]:
    """The splits that `fusebench run --task NAME` would make, and the loaded task.

    Raises
    ------
    UnknownNameError, DataError: there is no such task, or it cannot be read.
    """
    suite = choose("survey", tasks=[task], methods=["prior"], **changes)
    planned = make_plan(suite).tasks[0]
    own = planned.task
    return (
        TaskSplits(
            own.name,
            own.fingerprint,
            tuple(own.classes),
            own.y,
            own.samples.ids.astype(str),
            planned.folds,
            suite.seed,
            Budget(suite.trials, suite.inner_folds),
            {(s.repeat, s.fold): (s.train, s.test) for s in planned.splits},
        ),
        planned,
    )


def keep_task(store: ResultStore, splits: TaskSplits, planned: PlannedTask) -> None:
    """Keep a task and its splits in results that do not hold them yet."""
    store.add_task(planned.task, task_info(planned.task, planned.protocol))
    store.add_subgroups(splits.fingerprint, subgroups_of(planned.task))
    store.add_splits(splits.fingerprint, splits.seed, splits.folds, planned.splits)
