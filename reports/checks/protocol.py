"""Checks of how methods were compared: budgets, machines, splits, tasks, and what gave no result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from ..evaluation import Evaluation
from ..tables import PRIMARY
from .check import Remark, each

FEW_SPLITS, FEW_TASKS = 5, 6
EDGE_SHARE = 0.5
DISAGREE = 1e-3
SMALLEST = 0.05


def at_edge(evaluation: Evaluation) -> Iterator[Remark]:
    """Tuning chose the end of a range in half of the splits or more: the best value may lie beyond. Widen the range."""
    for task, name in each(evaluation):
        rows = task.ok_of(name)
        counts = Counter(p for row in rows if isinstance(row.at_edge, (tuple, list)) for p in row.at_edge)
        for parameter, count in counts.most_common():
            if count >= EDGE_SHARE * len(rows):
                yield Remark(
                    task.info.name,
                    name,
                    f"{parameter} at the edge of its range in {count} of {len(rows)} splits: widen the range",
                )


def few_splits(evaluation: Evaluation) -> Iterator[Remark]:
    """Intervals over few splits are wide and rough, and those of one test set ignore the training sample. Repeat."""
    for task in evaluation.tasks.values():
        if not task.resampled:
            yield Remark(task.info.name, "", "one test set: intervals say nothing of other training sets")
        elif len(task.splits) < FEW_SPLITS:
            yield Remark(task.info.name, "", f"{len(task.splits)} splits: intervals are wide and rough")


def few_tasks(evaluation: Evaluation) -> Iterator[Remark]:
    """Ranks over a handful of tasks depend on which these are. Add tasks before speaking of an order."""
    if 1 < len(evaluation.tasks) < FEW_TASKS:
        yield Remark("", "", f"{len(evaluation.tasks)} tasks: with so few, ranks over tasks cannot settle an order")


def failed(evaluation: Evaluation) -> Iterator[Remark]:
    """Cells without a result are never imputed; the method has no rank there. Read the reasons."""
    for task in evaluation.tasks.values():
        for name in task.methods:
            bad = [str(status) for status in task.failures(name)["status"] if status != "skipped"]
            if bad:
                kinds = ", ".join(status.replace("_", " ") for status in dict.fromkeys(bad))
                yield Remark(
                    task.info.name, name, f"{len(bad)} of {len(task.splits)} splits without a result ({kinds})"
                )


def unequal_budget(evaluation: Evaluation) -> Iterator[Remark]:
    """Methods that may try more settings look better. Run all with the same budget."""
    for task in evaluation.tasks.values():
        budgets = sorted({int(row.budget) for row in task.ok.values() if pd.notna(row.budget)})
        if len(budgets) > 1:
            yield Remark(
                task.info.name, "", f"methods were allowed different numbers of trials: {', '.join(map(str, budgets))}"
            )


def mixed_hardware(evaluation: Evaluation) -> Iterator[Remark]:
    """Seconds of different machines, devices or numbers of threads cannot be compared. Run again on one."""
    for task in evaluation.tasks.values():
        places = {(str(row.hardware), str(row.device), row.threads) for row in task.ok.values()}
        if len(places) > 1:
            yield Remark(
                task.info.name,
                "",
                f"jobs ran on {len(places)} different set-ups of hardware, device or threads: seconds differ",
            )


def transductive(evaluation: Evaluation) -> Iterator[Remark]:
    """Fitting saw the features of test rows. Such scores do not hold for a new patient alone."""
    for name in evaluation.methods:
        if evaluation.info(name).transductive:
            yield Remark(
                "", name, "sees the features of the test rows while it fits: its scores are not for single new patients"
            )


def splits_disagree(evaluation: Evaluation) -> Iterator[Remark]:
    """Folds differ by more than chance allows for equal skill. Look for batches, sites, or unstable training."""
    for task, name in each(evaluation):
        statistic, freedom = 0.0, 0
        for repeat in sorted({r for r, _ in task.splits}) if task.resampled else []:
            rows = [task.ok[name, split] for split in task.splits if split[0] == repeat]
            sizes = np.array([len(row.y) for row in rows], dtype=float)
            right = np.array([(np.asarray(row.proba).argmax(axis=1) == row.y).sum() for row in rows], dtype=float)
            share = right.sum() / sizes.sum()
            if 0 < share < 1:
                statistic += float(((right - sizes * share) ** 2 / (sizes * share * (1 - share))).sum())
                freedom += len(rows) - 1
        if freedom and chdtrc(freedom, statistic) < DISAGREE / len(task.methods):
            values = task.score("accuracy").values[task.methods.index(name)]
            told = f"accuracy from {np.nanmin(values):.3f} to {np.nanmax(values):.3f} by split"
            yield Remark(task.info.name, name, told)


def too_few_for_the_claim(evaluation: Evaluation) -> Iterator[Remark]:
    """Differences that would matter cannot be told apart with these rows and splits. Do not read a tie as equality."""
    for task in evaluation.tasks.values():
        scores = task.score(PRIMARY)
        if scores.best is None:
            continue
        others = [n for n, whole in zip(scores.methods, scores.complete, strict=True) if whole and n != scores.best]
        halves = [scores.difference(name, scores.best).half for name in others if name not in task.constant]
        known = [half for half in halves if np.isfinite(half)]
        if halves and not known:
            yield Remark(task.info.name, "", "no difference to the best has an interval: too few rows or splits")
        elif known and np.median(known) > SMALLEST:
            told = f"half of the comparisons with the best cannot tell differences under {np.median(known):.3f} apart"
            yield Remark(task.info.name, "", told)


def unranked(evaluation: Evaluation) -> Iterator[Remark]:
    """A rank over tasks needs every task: incomplete methods are left out of it, and no cell is imputed."""
    incomplete = [
        name
        for name in evaluation.methods
        if not all(name in t.methods and t.complete[t.methods.index(name)] for t in evaluation.tasks.values())
    ]
    if incomplete and len(evaluation.tasks) > 1:
        count = f"{len(incomplete)} of {len(evaluation.methods)} methods have no rank"
        yield Remark("", "", f"{count}: {', '.join(incomplete)}")
