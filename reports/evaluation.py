"""From stored probabilities to figures with intervals, for each task, method and metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .memory import Memory
from .metrics.recalibration import RECALIBRATORS
from .metrics.registry import METRICS, Metric
from .options import Options
from .results import MethodInfo, Results, TaskInfo
from .scores import Scores
from .statistics.intervals import FEW_SUBJECTS, Estimate, pseudo_values, subject_weights

Floats = npt.NDArray[np.float64]
Split = tuple[int, int]

RAW, RECALIBRATED = "raw", "temperature"
"""Probabilities as given, and as the tables' columns (T) take them; further variants are the other recalibrators."""

TOLD = ("method", "status", "phase", "reason", "budget", "n_trials", "criterion", "inner_folds")

COSTS: Mapping[str, str] = {
    "tune_wall": "Tune (s)",
    "tune_cpu": "Tune CPU (s)",
    "fit_wall": "Fit (s)",
    "fit_cpu": "Fit CPU (s)",
    "predict_wall": "Predict (s)",
    "latency_one": "One row (s)",
    "latency_thousand": "1,000 rows (s)",
    "peak_memory": "Memory (bytes)",
    "parameters": "Parameters",
    "flops": "FLOPs a row",
}


@dataclass(frozen=True)
class TaskEvaluation:
    """All figures of one task: the full-modality rows of its methods, scored on demand and kept."""

    info: TaskInfo
    outcomes: pd.DataFrame
    infos: Mapping[str, MethodInfo]
    resamples: int = 1000
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    _rescaled: dict[tuple[str, Split, str], Floats | None] = field(default_factory=dict, repr=False)
    _joined: dict[tuple[str, str, int], tuple[npt.NDArray[np.int64], Floats, Floats] | None] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that have a row here, in the order of the results' method catalogue."""
        there = set(self.outcomes["method"])
        return tuple(name for name in self.infos if name in there)

    @cached_property
    def splits(self) -> tuple[Split, ...]:
        """All (repeat, fold) that any method was given, sorted."""
        return tuple(
            sorted({(int(r), int(f)) for r, f in zip(self.outcomes["repeat"], self.outcomes["fold"], strict=True)})
        )

    @cached_property
    def resampled(self) -> bool:
        """Whether the test rows differ between splits; otherwise there is one test set, and repeats are refits."""
        return len({fold for _, fold in self.splits}) > 1

    @cached_property
    def ok(self) -> Mapping[tuple[str, Split], Any]:
        """The successful outcomes by method and split."""
        good = self.outcomes[self.outcomes["status"] == "ok"]
        rows: Iterable[Any] = good.itertuples(index=False)
        return {(str(row.method), (int(row.repeat), int(row.fold))): row for row in rows}

    @cached_property
    def complete(self) -> npt.NDArray[np.bool_]:
        """(M,) whether a method succeeded on every split."""
        return np.array([all((m, s) in self.ok for s in self.splits) for m in self.methods], dtype=bool)

    @cached_property
    def constant(self) -> frozenset[str]:
        """Methods that give every test row of a split the same probabilities: guesses, blind to the features."""
        looks: set[str] = set()
        for (name, _), row in self.ok.items():
            if name not in looks and np.ptp(np.asarray(row.proba), axis=0).max() > 1e-9:
                looks.add(name)
        return frozenset({name for name, _ in self.ok} - looks)

    @cached_property
    def few_subjects(self) -> int:
        """Subjects of the one test set where they are too few to be bootstrapped; 0 otherwise."""
        if self.resampled or not self.ok:
            return 0
        subjects = len(np.unique(np.asarray(next(iter(self.ok.values())).groups)))
        return subjects if subjects < FEW_SUBJECTS else 0

    def tells(self, figure: Estimate) -> bool:
        """Whether a mark may rest on a figure: one split tells nothing apart without an interval."""
        return len(self.splits) > 1 or figure.spread

    def guessing(self, method: str) -> bool:
        """Whether a method cannot be told from guessing: constant, or its balanced accuracy may be that of chance."""
        figure = self.score("balanced_accuracy").estimate(method)
        return method in self.constant or (figure.bounded and figure.low <= 1 / len(self.info.classes))

    def failures(self, method: str) -> pd.DataFrame:
        """The method's outcomes that are not ok, one row each."""
        return self._bad_by_method.get(method, self._told.iloc[:0])

    def rows_of(self, method: str) -> pd.DataFrame:
        """The method's outcomes, one row each: how they ended, and what was allowed and tried in tuning (``TOLD``)."""
        return self._by_method.get(method, self._told.iloc[:0])

    def ok_of(self, method: str) -> list[Any]:
        """The method's successful outcomes in the order of the splits."""
        return [self.ok[method, split] for split in self.splits if (method, split) in self.ok]

    @cached_property
    def _told(self) -> pd.DataFrame:
        return self.outcomes[list(TOLD)]  # cut by method, a frame with all columns takes long

    @cached_property
    def _by_method(self) -> dict[str, pd.DataFrame]:
        return {str(name): own for name, own in self._told.groupby("method", sort=False)}

    @cached_property
    def _bad_by_method(self) -> dict[str, pd.DataFrame]:
        bad = self._told[self._told["status"] != "ok"]
        return {str(name): own for name, own in bad.groupby("method", sort=False)}

    @cached_property
    def test_to_train(self) -> float:
        """Mean over splits of test rows to training rows."""
        good = self.outcomes[self.outcomes["status"] == "ok"]
        return float((good["n_test"] / good["n_train"]).mean()) if len(good) else float("nan")

    def score(self, metric: str, variant: str = RAW) -> Scores:
        """All methods' scores in a metric, on the probabilities as given or after a recalibrator of that name.

        Raises
        ------
        KeyError: there is no such metric.
        """
        return self.memory.once(variant, metric, lambda: self._score(METRICS[metric], variant))

    def cost(self, column: str) -> Scores:
        """All methods' costs in one of ``COSTS``, by split."""
        return self.memory.once("cost", column, lambda: self._cost(column))

    def probabilities(self, method: str, split: Split, variant: str = RAW) -> Floats | None:
        """Test probabilities of one successful split; None where recalibration has no validation probabilities."""
        outcome = self.ok[method, split]
        if variant == RAW:
            return np.asarray(outcome.proba, dtype=np.float64)
        key = (method, split, variant)
        if key not in self._rescaled:
            self._rescaled[key] = None
            if kept(outcome.val_proba) and kept(outcome.val_y) and len(outcome.val_y):
                validation = np.asarray(outcome.val_proba, dtype=np.float64)
                proba = np.asarray(outcome.proba, dtype=np.float64)
                self._rescaled[key] = RECALIBRATORS[variant](np.asarray(outcome.val_y), validation, proba)
        return self._rescaled[key]

    def pooled(
        self, method: str, variant: str = RAW, repeat: int | None = None
    ) -> tuple[npt.NDArray[np.int64], Floats] | None:
        """Truth (n,) and probabilities (n, C) of all successful splits, or of one repeat's; or None."""
        parts = []
        for split in self.splits:
            if (method, split) in self.ok and repeat in (None, split[0]):
                proba = self.probabilities(method, split, variant)
                if proba is None:
                    return None
                parts.append((np.asarray(self.ok[method, split].y, dtype=np.int64), proba))
        if not parts:
            return None
        return np.concatenate([y for y, _ in parts]), np.concatenate([p for _, p in parts])

    def _cost(self, column: str) -> Scores:
        values = np.full((len(self.methods), len(self.splits)), np.nan)
        for m, name in enumerate(self.methods):
            for j, split in enumerate(self.splits):
                if (name, split) in self.ok:
                    cost = getattr(self.ok[name, split], column)
                    values[m, j] = np.nan if cost is None else float(cost)
        ratio = self.test_to_train if self.resampled else 0.0
        return Scores(self.methods, "lower", _row_means(values), values, ratio, self.complete)

    def _score(self, metric: Metric, variant: str) -> Scores:
        if not self.resampled:
            points, values = self._bootstrapped(metric, variant)
            return Scores(self.methods, metric.direction, points, values, None, self.complete)
        by_repeat = self._jackknifed if metric.card.pooled else self._by_fold
        values = np.full((len(self.methods), len(self.splits)), np.nan)
        points = np.full(len(self.methods), np.nan)
        for m, name in enumerate(self.methods):
            points[m] = by_repeat(metric, name, variant, values[m])
        return Scores(self.methods, metric.direction, points, values, self.test_to_train, self.complete)

    def _by_fold(self, metric: Metric, method: str, variant: str, into: Floats) -> float:
        """Score every split by itself, writing ``into`` (J,); the figure is their mean."""
        for j, split in enumerate(self.splits):
            if (method, split) in self.ok:
                proba = self.probabilities(method, split, variant)
                if proba is not None:
                    into[j] = metric(np.asarray(self.ok[method, split].y, dtype=np.int64), proba)
        return float(_row_means(into[None])[0])

    def _jackknifed(self, metric: Metric, method: str, variant: str, into: Floats) -> float:
        """Score all rows of each repeat at once, writing pseudo-values ``into`` (J,); gives the mean over repeats.

        Left-out folds are case weights of zero: where a metric fits something to the rows (bins, widths, monotone
        curves), its resampled form keeps the fit of all rows, as it does under the bootstrap.
        """
        wholes = []
        for repeat in sorted({r for r, _ in self.splits}):
            places = [j for j, s in enumerate(self.splits) if s[0] == repeat and (method, s) in self.ok]
            pooled = self._repeat(method, variant, repeat)
            if pooled is None:
                continue
            y, proba, fold = pooled
            # The first line of weights is the whole, the others leave one fold out each.
            left_out = np.r_[-1, np.arange(len(places))][:, None]
            whole, *without = metric.resample(y, proba, (fold[None] != left_out).astype(np.float64))
            wholes.append(whole)
            if len(places) > 1:
                into[places] = pseudo_values(whole, np.array(without))
        return float(np.mean(wholes)) if wholes else float("nan")

    def _repeat(self, method: str, variant: str, repeat: int) -> tuple[npt.NDArray[np.int64], Floats, Floats] | None:
        """Truth, probabilities and place of the split of all test rows of a repeat; None where there are none."""
        key = (method, variant, repeat)
        if key not in self._joined:
            splits = [s for s in self.splits if s[0] == repeat and (method, s) in self.ok]
            parts = [self.probabilities(method, split, variant) for split in splits]
            whole = None
            if parts and all(part is not None for part in parts):
                truths = [np.asarray(self.ok[method, split].y, dtype=np.int64) for split in splits]
                fold = np.repeat(np.arange(len(splits)), [len(truth) for truth in truths]).astype(np.float64)
                whole = (np.concatenate(truths), np.concatenate([p for p in parts if p is not None]), fold)
            self._joined[key] = whole
        return self._joined[key]

    def emptied(self) -> TaskEvaluation:
        """What is known of the task without any outcome, to be sent between processes."""
        return TaskEvaluation(self.info, self.outcomes.iloc[:0], {}, self.resamples)

    def narrowed(self, methods: Sequence[str]) -> TaskEvaluation:
        """The same task with some of its methods, for figures that only they need."""
        return TaskEvaluation(
            self.info, self.outcomes[self.outcomes["method"].isin(list(methods))], self.infos, self.resamples
        )

    @cached_property
    def _weights(self) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Subject bootstrap of the one test set (B, n), and which refits each draw takes (B, R)."""
        first = next(iter(self.ok.values()))
        refits = len(self.splits)
        drawn = np.random.default_rng(1).integers(0, refits, size=(self.resamples, refits))
        return subject_weights(np.asarray(first.groups)[np.argsort(first.rows)], self.resamples), drawn

    def _bootstrapped(self, metric: Metric, variant: str) -> tuple[Floats, Floats]:
        """Figures (M,) as means over refits, and draws (M, B) of subjects and refits, the same for all methods.

        Draws of fewer than ``FEW_SUBJECTS`` are left unknown: two rows that are right are no certainty.
        """
        points = np.full(len(self.methods), np.nan)
        values = np.full((len(self.methods), self.resamples), np.nan)
        for m, name in enumerate(self.methods):
            own, draws = np.full(len(self.splits), np.nan), np.full((self.resamples, len(self.splits)), np.nan)
            for j, split in enumerate(self.splits):
                proba = self.probabilities(name, split, variant) if (name, split) in self.ok else None
                if proba is None:
                    continue
                order = np.argsort(self.ok[name, split].rows)
                y, proba = np.asarray(self.ok[name, split].y, dtype=np.int64)[order], proba[order]
                own[j] = metric(y, proba)
                if not self.few_subjects:
                    draws[:, j] = metric.resample(y, proba, self._weights[0])
            points[m] = _row_means(own[None])[0]
            values[m] = _row_means(np.take_along_axis(draws, self._weights[1], axis=1))
            if metric.card.pooled:  # resamples hold fewer distinct rows, which biases these metrics once more
                values[m] += points[m] - np.nanmean(values[m]) if np.isfinite(values[m]).any() else 0.0
        return points, values


@dataclass(frozen=True)
class Evaluation:
    """Everything a report says, computed from results on demand."""

    results: Results
    resamples: int = 1000
    options: Options = Options()  # noqa: RUF009 - frozen, so one for all is safe
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)

    @cached_property
    def tasks(self) -> Mapping[str, TaskEvaluation]:
        """The tasks that have full-modality rows, in the order of the results' task catalogue."""
        frame = self.results.outcomes
        full = frame[frame["full"].astype(bool)]
        found = {}
        for name, info in self.results.tasks.items():
            own = full[full["task"] == name]
            if len(own):
                found[name] = TaskEvaluation(info, own, self.results.methods, self.resamples)
        return found

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Methods with a full-modality row in any task, in catalogue order."""
        there = {m for task in self.tasks.values() for m in task.methods}
        return tuple(name for name in self.results.methods if name in there)

    @cached_property
    def constant(self) -> frozenset[str]:
        """Methods that are constant on some task."""
        return frozenset(name for task in self.tasks.values() for name in task.constant)

    def info(self, method: str) -> MethodInfo:
        """What is known of a method."""
        return self.results.methods[method]

    def across(
        self, pick: Callable[[TaskEvaluation], Scores], methods: Sequence[str] | None = None
    ) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Figures (T, M) of the methods on every task, NaN where there is none, and whether each is from all splits."""
        names = list(methods if methods is not None else self.methods)
        points = np.full((len(self.tasks), len(names)), np.nan)
        complete = np.zeros(points.shape, dtype=bool)
        for t, task in enumerate(self.tasks.values()):
            scores = pick(task)
            for m, name in enumerate(names):
                if name in scores.methods:
                    at = scores.methods.index(name)
                    points[t, m], complete[t, m] = scores.points[at], scores.complete[at]
        return points, complete


def kept(value: object) -> bool:
    """Whether a cell of the frame holds an array; pandas may turn None into NaN."""
    return value is not None and not isinstance(value, float)


def _row_means(values: Floats) -> Floats:
    """Means over the finite cells of each row; NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.divide(np.where(known, values, 0.0).sum(axis=1), count, out=np.full(len(values), np.nan), where=count > 0)
