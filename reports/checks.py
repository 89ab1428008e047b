"""Coded methodological warnings: what a careful referee would ask about these results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from .evaluation import RECALIBRATED, Evaluation, TaskEvaluation, kept

FEW_SPLITS, FEW_ROWS, FEW_IN_CLASS, FEW_TASKS = 5, 30, 10, 6
MISCALIBRATED = 0.05
RECALIBRATION_GAIN = 0.1
IMBALANCED = 0.8
EDGE_SHARE = 0.5


@dataclass(frozen=True)
class Remark:
    """One instance of a check: on which task and method it fell (empty for all) and what was seen."""

    task: str
    method: str
    text: str


@dataclass(frozen=True)
class Check:
    """A check: ``function`` yields its remarks. "issue" questions a conclusion, "tip" is worth knowing."""

    code: str
    title: str
    severity: Literal["issue", "tip"]
    function: Callable[[Evaluation], Iterable[Remark]]


@dataclass(frozen=True)
class Checked:
    """A check with what it found."""

    check: Check
    remarks: tuple[Remark, ...]


def run_checks(evaluation: Evaluation) -> list[Checked]:
    """All checks in order, those without remarks too; not those that the reader has silenced."""
    told = [check for check in CHECKS if check.code not in evaluation.options.silenced]
    return [Checked(check, tuple(check.function(evaluation))) for check in told]


def _each(evaluation: Evaluation) -> Iterator[tuple[TaskEvaluation, str]]:
    for task in evaluation.tasks.values():
        for m, name in enumerate(task.methods):
            if task.complete[m]:
                yield task, name


def _no_skill(evaluation: Evaluation) -> Iterator[Remark]:
    for task, name in _each(evaluation):
        figure = task.score("balanced_accuracy").estimate(name)
        chance = 1 / len(task.info.classes)
        if name not in task.constant and task.guessing(name):
            yield Remark(
                task.info.name,
                name,
                f"balanced accuracy {figure.value:.3f}, interval from {figure.low:.3f}; guessing gives {chance:.3f}",
            )


def _worse_than_shares(evaluation: Evaluation) -> Iterator[Remark]:
    for task, name in _each(evaluation):
        pooled = task.pooled(name)
        figure = task.score("log_loss").estimate(name)
        if pooled is None or name in task.constant:
            continue
        shares = np.bincount(pooled[0], minlength=pooled[1].shape[1]) / len(pooled[0])
        entropy = float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())
        if figure.value > entropy:
            yield Remark(
                task.info.name,
                name,
                f"log-loss {figure.value:.3f}, always giving the class shares scores {entropy:.3f}",
            )


def _above_bayes(evaluation: Evaluation) -> Iterator[Remark]:
    for task, name in _each(evaluation):
        for metric, best in task.info.bayes.items():
            if metric == "accuracy" or metric == "balanced_accuracy":
                figure = task.score(metric).estimate(name)
                if figure.bounded and figure.low > best:
                    yield Remark(
                        task.info.name,
                        name,
                        f"{metric} {figure.value:.3f} from {figure.low:.3f}, the optimum is {best:.3f}: a leak?",
                    )


def _perfect(evaluation: Evaluation) -> Iterator[Remark]:
    for task, name in _each(evaluation):
        if task.score("accuracy").estimate(name).value == 1.0:
            yield Remark(
                task.info.name, name, "every test row is right in every split: look for a leak, or take a harder task"
            )


def _miscalibrated(evaluation: Evaluation) -> Iterator[Remark]:
    for task, name in _each(evaluation):
        figure = task.score("smooth_ece").estimate(name)
        if name not in task.constant and figure.bounded and figure.low > MISCALIBRATED:
            gap = task.score("confidence_gap").estimate(name).value
            lean = "over-confident" if gap > 0 else "under-confident"
            yield Remark(
                task.info.name,
                name,
                f"smooth ECE {figure.value:.3f}, interval from {figure.low:.3f}; {lean} by {abs(gap):.3f}",
            )


def _recalibrate(evaluation: Evaluation) -> Iterator[Remark]:
    for task, name in _each(evaluation):
        raw, warm = task.score("log_loss").estimate(name), task.score("log_loss", RECALIBRATED).estimate(name)
        if warm.known and raw.value > 0 and (raw.value - warm.value) / raw.value >= RECALIBRATION_GAIN:
            yield Remark(
                task.info.name, name, f"log-loss {raw.value:.3f} falls to {warm.value:.3f} after temperature scaling"
            )


def _at_edge(evaluation: Evaluation) -> Iterator[Remark]:
    for task, name in _each(evaluation):
        rows = [row for (method, _), row in task.ok.items() if method == name]
        counts = pd.Series(
            [p for row in rows for p in (row.at_edge if isinstance(row.at_edge, (tuple, list)) else ())], dtype=object
        ).value_counts()
        for parameter, count in counts.items():
            if count >= EDGE_SHARE * len(rows):
                yield Remark(
                    task.info.name,
                    name,
                    f"{parameter} at the edge of its range in {count} of {len(rows)} splits: widen the range",
                )


def _few_splits(evaluation: Evaluation) -> Iterator[Remark]:
    for task in evaluation.tasks.values():
        if not task.resampled:
            yield Remark(task.info.name, "", "one test set: intervals say nothing of other training sets")
        elif len(task.splits) < FEW_SPLITS:
            yield Remark(task.info.name, "", f"{len(task.splits)} splits: intervals are wide and rough")


def _few_rows(evaluation: Evaluation) -> Iterator[Remark]:
    for task in evaluation.tasks.values():
        sizes = [len(row.y) for row in task.ok.values()]
        if sizes and min(sizes) < FEW_ROWS:
            yield Remark(
                task.info.name, "", f"a test set has only {min(sizes)} rows: calibration errors are biased upwards"
            )
        counts = dict(zip(task.info.classes, task.info.class_counts, strict=False))
        small = [f"{label} ({count})" for label, count in counts.items() if count < FEW_IN_CLASS]
        if small:
            yield Remark(task.info.name, "", f"classes with under {FEW_IN_CLASS} rows: {', '.join(small)}")


def _imbalanced(evaluation: Evaluation) -> Iterator[Remark]:
    for task in evaluation.tasks.values():
        counts = task.info.class_counts
        if counts and max(counts) / sum(counts) > IMBALANCED:
            yield Remark(
                task.info.name,
                "",
                f"the largest class holds {max(counts) / sum(counts):.0%} of the rows: read balanced accuracy",
            )


def _few_tasks(evaluation: Evaluation) -> Iterator[Remark]:
    if 1 < len(evaluation.tasks) < FEW_TASKS:
        yield Remark("", "", f"{len(evaluation.tasks)} tasks: with so few, ranks over tasks cannot settle an order")


def _failed(evaluation: Evaluation) -> Iterator[Remark]:
    for task in evaluation.tasks.values():
        for name in task.methods:
            bad = task.failures(name)
            bad = bad[bad["status"] != "skipped"]
            if len(bad):
                kinds = ", ".join(str(s).replace("_", " ") for s in dict.fromkeys(bad["status"]))
                yield Remark(
                    task.info.name, name, f"{len(bad)} of {len(task.splits)} splits without a result ({kinds})"
                )


def _unequal_budget(evaluation: Evaluation) -> Iterator[Remark]:
    for task in evaluation.tasks.values():
        budgets = sorted({int(row.budget) for row in task.ok.values() if pd.notna(row.budget)})
        if len(budgets) > 1:
            yield Remark(
                task.info.name, "", f"methods were allowed different numbers of trials: {', '.join(map(str, budgets))}"
            )


def _mixed_hardware(evaluation: Evaluation) -> Iterator[Remark]:
    for task in evaluation.tasks.values():
        places = {(str(row.hardware), str(row.device), row.threads) for row in task.ok.values()}
        if len(places) > 1:
            yield Remark(
                task.info.name,
                "",
                f"jobs ran on {len(places)} different set-ups of hardware, device or threads: seconds differ",
            )


def _no_validation(evaluation: Evaluation) -> Iterator[Remark]:
    for task, name in _each(evaluation):
        if any(not kept(row.val_proba) for (method, _), row in task.ok.items() if method == name):
            yield Remark(task.info.name, name, "no validation probabilities were kept: nothing to fit a temperature on")


def _transductive(evaluation: Evaluation) -> Iterator[Remark]:
    for name in evaluation.methods:
        if evaluation.info(name).transductive:
            yield Remark(
                "", name, "sees the features of the test rows while it fits: its scores are not for single new patients"
            )


CHECKS: tuple[Check, ...] = (
    Check("FB01", "No better than guessing", "issue", _no_skill),
    Check("FB02", "Log-loss worse than the class shares", "issue", _worse_than_shares),
    Check("FB03", "Above the best that is possible", "issue", _above_bayes),
    Check("FB04", "Perfect scores", "issue", _perfect),
    Check("FB05", f"Miscalibrated beyond {MISCALIBRATED:g} smooth ECE", "issue", _miscalibrated),
    Check("FB06", "Jobs without a result", "issue", _failed),
    Check("FB07", "Unequal tuning budgets", "issue", _unequal_budget),
    Check("FB08", "Costs from different machines", "issue", _mixed_hardware),
    Check("FB09", "Transductive methods", "issue", _transductive),
    Check("FB10", "Best parameter at the edge of the search", "tip", _at_edge),
    Check("FB11", "Recalibration pays", "tip", _recalibrate),
    Check("FB12", "Few splits", "tip", _few_splits),
    Check("FB13", "Few rows", "tip", _few_rows),
    Check("FB14", "Imbalanced classes", "tip", _imbalanced),
    Check("FB15", "Few tasks", "tip", _few_tasks),
    Check("FB16", "Recalibration not possible", "tip", _no_validation),
)
