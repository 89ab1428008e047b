"""The columns of the tables, as ordered records: a key, where its figures come from, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from .evaluation import RAW, RECALIBRATED, TaskEvaluation
from .metrics.cards import METRIC_CARDS
from .scores import Scores
from .table import Column, Form

ACCURACY, CALIBRATION, AFTER, COST, PROTOCOL = (
    "Accuracy",
    "Calibration",
    "Recalibrated",
    "Cost",
    "Protocol",
)


@dataclass(frozen=True)
class FigureColumn:
    """A column of figures: ``produce`` gives the scores of all methods on a task."""

    column: Column
    produce: Callable[[TaskEvaluation], Scores]


@dataclass(frozen=True)
class TextColumn:
    """A column of words: ``produce`` gives those of one method on a task."""

    column: Column
    produce: Callable[[TaskEvaluation, str], str]


def _score(task: TaskEvaluation, key: str, variant: str) -> Scores:
    return task.score(key, variant)


def _cost_of(task: TaskEvaluation, key: str) -> Scores:
    return task.cost(key)


def _metric_columns(group: str, variant: str) -> tuple[FigureColumn, ...]:
    wanted = [
        card
        for card in METRIC_CARDS
        if (variant == RAW and card.group == group.lower()) or (variant == RECALIBRATED and card.recalibrated)
    ]
    return tuple(
        FigureColumn(
            Column(
                key=card.key if variant == RAW else f"{card.key}_recalibrated",
                title=card.title if variant == RAW else f"{card.title} (T)",
                group=group,
                direction=card.direction,
                paper=card.paper and (variant == RAW or card.key == "log_loss"),
                trivial=card.trivial,
                description=card.description,
            ),
            partial(_score, key=card.key, variant=variant),
        )
        for card in wanted
    )


def _cost(key: str, title: str, form: Form, scale: float, description: str, paper: bool = False) -> FigureColumn:
    column = Column(key, title, COST, form, "lower", scale, paper, description=description)
    return FigureColumn(column, partial(_cost_of, key=key))


FIGURES: tuple[FigureColumn, ...] = (
    *_metric_columns(ACCURACY, RAW),
    *_metric_columns(CALIBRATION, RAW),
    *_metric_columns(AFTER, RECALIBRATED),
    _cost(
        "tune_wall",
        "Tune (s)",
        "seconds",
        1.0,
        "Wall-clock seconds of the whole search for parameters; what its trials share is computed once.",
        paper=True,
    ),
    _cost("fit_wall", "Fit (s)", "seconds", 1.0, "Wall-clock seconds of the final fit.", paper=True),
    _cost("fit_cpu", "Fit CPU (s)", "seconds", 1.0, "Processor seconds of the final fit, all threads together."),
    _cost("predict_wall", "Predict (s)", "seconds", 1.0, "Wall-clock seconds to predict all test rows of a split."),
    _cost("latency_one", "One row (ms)", "seconds", 1e3, "Median milliseconds to predict one row alone.", paper=True),
    _cost("latency_thousand", "1,000 rows (ms)", "seconds", 1e3, "Milliseconds to predict a thousand rows at once."),
    _cost(
        "peak_memory",
        "Memory (MB)",
        "seconds",
        1e-6,
        "Peak memory of the final fit and its predictions above what the process held at first, in 10^6 bytes.",
        True,
    ),
    _cost("parameters", "Parameters", "count", 1.0, "Learnt numbers."),
    _cost("flops", "FLOPs / row", "count", 1.0, "Floating-point operations to predict one row."),
)


def _budget(task: TaskEvaluation, method: str) -> str:
    rows = _rows(task, method)
    allowed = sorted({int(b) for b in rows["budget"].tolist() if pd.notna(b)})
    if not allowed:
        return ""
    used = sorted({int(n) for n in rows["n_trials"].tolist() if pd.notna(n)})
    return f"{_range(used)} of {_range(allowed)}" if used else f"of {_range(allowed)}"


def _criterion(task: TaskEvaluation, method: str) -> str:
    rows = _rows(task, method)
    found = {
        f"{c}, {int(k)} folds" if pd.notna(k) and c else str(c)
        for c, k in zip(rows["criterion"].tolist(), rows["inner_folds"].tolist(), strict=True)
        if pd.notna(c)
    }
    return "; ".join(sorted(found))


def _splits(task: TaskEvaluation, method: str) -> str:
    return f"{sum((method, split) in task.ok for split in task.splits)} of {len(task.splits)}"


def _rows(task: TaskEvaluation, method: str) -> pd.DataFrame:
    return task.rows_of(method)


def _range(numbers: list[int]) -> str:
    if not numbers:
        return "none"
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


TEXTS: tuple[TextColumn, ...] = (
    TextColumn(
        Column("splits", "Splits", PROTOCOL, "text", description="Splits that succeeded, of those planned."), _splits
    ),
    TextColumn(
        Column("trials", "Trials", PROTOCOL, "text", description="Tuning trials that were run, of those allowed."),
        _budget,
    ),
    TextColumn(
        Column("criterion", "Chosen by", PROTOCOL, "text", description="What tuning minimised, in which inner folds."),
        _criterion,
    ),
)
