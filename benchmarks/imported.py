"""Predictions made by another program: read, checked row by row against a task's splits, and kept as outcomes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusebench.datasets.errors import DataError

from .job import Job
from .outcome import Outcome, Status
from .task_splits import Split, TaskSplits

Floats = npt.NDArray[np.float64]

TEST, VALIDATION = "test", "validation"
_NAMED = 5
# Texts round: three decimals of four classes may miss 1 by 0.002.
_ROUNDING = 1e-3
NOTE = "Predictions were made by another program and imported: tuning, cost and training are not known here."


@dataclass(frozen=True)
class Predictions:
    """Probabilities by split: of all test rows (n_test, C) and, where given, of all training rows (n_train, C)."""

    test: Mapping[Split, Floats]
    validation: Mapping[Split, Floats]
    source: str


@dataclass
class _Mismatches:
    """Everything that does not fit, so that one reading of the message is enough to mend the file."""

    where: str
    told: list[str] = field(default_factory=list)

    def add(self, what: str, which: Iterable[object] = ()) -> None:
        names = [str(name) for name in which]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        self.told.append(f"{what}{': ' if names else ''}{', '.join(names[:_NAMED])}{more}")

    def stop(self) -> None:
        if self.told:
            raise DataError(f"{self.where} does not fit the task's splits:\n  " + "\n  ".join(self.told))


def read_predictions(path: Path, splits: TaskSplits) -> Predictions:
    """Read and check a table of predictions.

    Columns: ``id``; a probability for each class, called ``p(CLASS)`` or as the class itself (of two classes one is
    enough); and where they are needed ``repeat``, ``fold``, ``part`` ("test", or "validation" for out-of-fold
    probabilities of training rows) and ``true``, which is compared.

    Raises
    ------
    DataError: the file cannot be read, or anything in it does not fit; every mismatch is named.
    """
    frame = _table(path)
    wrong = _Mismatches(str(path))
    if "id" not in frame.columns:
        raise DataError(f"{path}: no column 'id' with the names of the rows; it has {', '.join(frame.columns)}")
    proba = _probabilities(frame, splits.classes, path)
    frame = _placed(frame, splits, wrong)
    wrong.stop()
    _check_truth(frame, splits, wrong)
    _check_numbers(frame, proba, wrong)
    parts: dict[str, dict[Split, Floats]] = {TEST: {}, VALIDATION: {}}
    for key, rows in frame.groupby(["part", "repeat", "fold"], sort=True):
        part, *numbers = cast("tuple[str, int, int]", key)
        split = (int(numbers[0]), int(numbers[1]))
        expected = splits.rows[split][0 if part == VALIDATION else 1]
        order = _order(rows, splits.ids[expected], f"repeat {split[0]} fold {split[1]}, {part} rows", wrong)
        if order is not None:
            parts[str(part)][split] = proba[order]
    where = {part: set(zip(rows["repeat"], rows["fold"], strict=True)) for part, rows in frame.groupby("part")}
    for repeat, fold in sorted(where.get(VALIDATION, set()) - where.get(TEST, set())):
        wrong.add(f"repeat {repeat} fold {fold} has validation rows and no test rows")
    wrong.stop()
    return Predictions(parts[TEST], parts[VALIDATION], hashlib.sha256(path.read_bytes()).hexdigest())


def imported_outcomes(found: Predictions, splits: TaskSplits, label: str) -> Iterator[tuple[Job, Outcome]]:
    """A job and its outcome for every split that the file holds."""
    source = hashlib.sha256(f"import {label} {found.source}".encode()).hexdigest()
    for split, proba in found.test.items():
        job = splits.job(split, label, source)
        yield (
            job,
            Outcome(
                job.key,
                Status.OK,
                proba=proba,
                val_proba=found.validation.get(split),
                notes=[NOTE],
                hardware="not known: imported",
                device="",
                seed=job.derived_seed,
            ),
        )


def _table(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            # Identifiers such as 007 or NA stay as they are written.
            text = {"id": str, "true": str, "part": str}
            frame = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", dtype=text, keep_default_na=False)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (ValueError, UnicodeDecodeError, ImportError) as error:
        raise DataError(f"{path}: not a readable table: {error}") from error
    if frame.empty:
        raise DataError(f"{path}: no lines below its head")
    return frame.assign(id=frame["id"].astype(str)) if "id" in frame.columns else frame


def _probabilities(frame: pd.DataFrame, classes: Sequence[str], path: Path) -> Floats:
    """The probabilities (lines, C) in the order of the task's classes."""
    columns = [next((c for c in (f"p({k})", k) if c in frame.columns), None) for k in classes]
    absent = [k for k, column in zip(classes, columns, strict=True) if column is None]
    one_is_enough = len(classes) == 2 and len(absent) == 1
    if absent and not one_is_enough:
        named = ", ".join(f"p({k})" for k in absent)
        raise DataError(f"{path}: no column {named}; the task's classes are {', '.join(classes)}")
    numbers = {c: pd.to_numeric(frame[c], errors="coerce").to_numpy(dtype=np.float64) for c in columns if c is not None}
    if absent:
        (given,) = numbers.values()
        return np.column_stack([1 - given if column is None else given for column in columns])
    return np.column_stack([numbers[str(column)] for column in columns])


def _placed(frame: pd.DataFrame, splits: TaskSplits, wrong: _Mismatches) -> pd.DataFrame:
    """The lines with part, repeat and fold: given, or found where only one is possible."""
    frame = frame.reset_index(drop=True)
    frame = frame.assign(part=frame["part"] if "part" in frame.columns else TEST)
    wrong_parts = sorted(set(frame["part"]) - {TEST, VALIDATION})
    if wrong_parts:
        wrong.add(f"column part: use {TEST} or {VALIDATION}, not", wrong_parts)
    for column in ("repeat", "fold"):
        if column in frame.columns:
            numbers = pd.to_numeric(frame[column], errors="coerce")
            if numbers.isna().any() or (numbers % 1 != 0).any():
                wrong.add(f"column {column}: not a whole number in lines", 2 + np.flatnonzero(numbers.isna()))
                wrong.stop()
            frame = frame.assign(**{column: numbers.astype(int)})
    if "repeat" not in frame.columns:
        frame = frame.assign(repeat=min(repeat for repeat, _ in splits.rows))
    if "fold" not in frame.columns:
        if (frame["part"] == VALIDATION).any():
            wrong.add("validation rows need a column fold: a row trains in several folds")
            wrong.stop()
        fold_of = {
            (repeat, name): fold for (repeat, fold), (_, test) in splits.rows.items() for name in splits.ids[test]
        }
        found = [fold_of.get(pair) for pair in zip(frame["repeat"], frame["id"], strict=True)]
        strange = frame.loc[[fold is None for fold in found], "id"]
        if len(strange):
            wrong.add("ids that are no test row of any fold", dict.fromkeys(strange))
            wrong.stop()
        frame = frame.assign(fold=np.array(found, dtype=np.int64))
    there = set(zip(frame["repeat"].astype(int), frame["fold"].astype(int), strict=True))
    unknown = sorted(there - set(splits.rows))
    if unknown:
        known = f"the task has {len(splits.rows)} splits"
        wrong.add(f"no such split, {known}", (f"repeat {r} fold {f}" for r, f in unknown))
    return frame


def _check_truth(frame: pd.DataFrame, splits: TaskSplits, wrong: _Mismatches) -> None:
    if "true" not in frame.columns:
        return
    truth = dict(zip(splits.ids, np.array(splits.classes)[splits.y], strict=True))
    other = [
        f"{name} (file {told}, task {truth[name]})"
        for name, told in zip(frame["id"], frame["true"], strict=True)
        if told and name in truth and told != truth[name]
    ]
    if other:
        wrong.add("column true differs from the task's classes", other)


def _check_numbers(frame: pd.DataFrame, proba: Floats, wrong: _Mismatches) -> None:
    """Name lines that hold no probabilities; round-off is taken out in place."""
    with np.errstate(invalid="ignore"):
        holes = ~np.isfinite(proba).all(axis=1)
        outside = ~holes & ((proba < -_ROUNDING) | (proba > 1 + _ROUNDING)).any(axis=1)
        totals = proba.sum(axis=1)
        off = ~holes & ~outside & (np.abs(totals - 1) > _ROUNDING * proba.shape[1])
    for lines, what in (
        (holes, "a probability is missing or not a number, ids"),
        (outside, "a probability is not between 0 and 1, ids"),
        (off, "probabilities do not sum to 1, ids"),
    ):
        if lines.any():
            wrong.add(what, frame["id"].to_numpy()[np.asarray(lines)])
    np.clip(proba, 0.0, 1.0, out=proba)
    good = ~(holes | outside | off)
    proba[good] /= proba[good].sum(axis=1, keepdims=True)


def _order(
    rows: pd.DataFrame, expected: npt.NDArray[np.str_], where: str, wrong: _Mismatches
) -> npt.NDArray[np.int64] | None:
    """Lines of the file in the order of the expected ids; None, with the mismatches told, where they differ."""
    names = rows["id"]
    double = names[names.duplicated()]
    missing = sorted(set(expected) - set(names))
    strange = sorted(set(names) - set(expected))
    for which, what in ((double, "ids twice"), (missing, "ids are missing"), (strange, "ids that do not belong there")):
        if len(which):
            wrong.add(f"{where}: {len(which)} {what}", which)
    if len(double) or missing or strange:
        return None
    line = dict(zip(names, rows.index, strict=True))
    return np.array([line[name] for name in expected], dtype=np.int64)
