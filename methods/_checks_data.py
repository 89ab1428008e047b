"""Conformance checks of data: missing, small or odd rows; better than guessing where there is something to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fusebench.datasets.samples import TABULAR, Modality
from fusebench.datasets.task import Task

from ._checking import CheckFailed, CheckSkipped, Trial, above_chance, ensure
from ._toy import absent_rows, replaced, toy_task
from .card import ALL_KINDS


def check_absent_modalities(trial: Trial) -> None:
    """Rows without a modality are handled as the card says: proper probabilities, or a reason to skip."""
    card = trial.cls.card
    task = _with_absent(trial)
    if _must_skip(trial, task, card.handles_missing in ("modalities", "both"), "absent modalities"):
        return
    train, test, y = task.samples[:40], task.samples[40:], task.y[:40]
    whole, whole_test = trial.task.samples[:40], trial.task.samples[40:]
    last = test.names[-1]
    nowhere = replaced(whole_test, absent_rows(whole_test.modality(last), np.ones(40, dtype=bool)))
    untrained = replaced(whole, absent_rows(whole.modality(last), np.ones(40, dtype=bool)))
    empty = replaced(whole_test, *(absent_rows(m, np.arange(40) < 3) for m in whole_test.modalities))
    trial.try_on(train, y, test, "a quarter of each modality absent")
    trial.try_on(whole, trial.task.y[:40], test, "absent modalities at prediction only")
    trial.try_on(train, y, whole_test, "absent modalities in training only")
    trial.try_on(whole, trial.task.y[:40], nowhere, f"{last} absent in every test row")
    trial.try_on(whole, trial.task.y[:40], empty, "test rows without any modality")
    if len(test.names) > 1:
        trial.try_on(untrained, trial.task.y[:40], whole_test, f"{last} absent in every training row")


def _with_absent(trial: Trial) -> Task:
    task = toy_task(trial.kinds, 80, absent=0.25, seed=1)
    if len(trial.kinds) > 1:
        return task
    rows = np.random.default_rng(1).random(80) < 0.25
    return replace(task, samples=replaced(task.samples, *(absent_rows(m, rows) for m in task.samples.modalities)))


def _must_skip(trial: Trial, task: Task, handled: bool, what: str) -> bool:
    """Whether the method rightly skips the task; fails when skip() and the card disagree."""
    reason = trial.cls.skip(task)
    ensure(not (handled and reason), f"the card says that {what} are handled, but skip() says: {reason}")
    ensure(handled or reason, f"the card says that {what} are not handled, but skip() gives no reason")
    return reason is not None


def check_missing_cells(trial: Trial) -> None:
    """Missing cells in tables are handled as the card says: proper probabilities, or a reason to skip."""
    if not TABULAR & set(trial.kinds):
        raise CheckSkipped("takes no table")
    task = toy_task(trial.kinds, 80, holes=0.15, seed=2)
    if _must_skip(trial, task, trial.cls.card.handles_missing in ("cells", "both"), "missing cells"):
        return
    whole = trial.task
    table = next(m for m in whole.samples.modalities if m.kind in TABULAR)
    values = np.array(table.values)
    values[:40, 0] = np.nan
    hollow = replaced(whole.samples, Modality(table.name, table.kind, values, features=table.features))
    trial.try_on(task.samples[:40], task.y[:40], task.samples[40:], "missing cells")
    trial.try_on(whole.samples[:40], whole.y[:40], task.samples[40:], "missing cells at prediction only")
    trial.try_on(hollow[:40], whole.y[:40], hollow[40:], "a column without any value in training")


def check_modality_count(trial: Trial) -> None:
    """Too few or too many modalities, and kinds that the card does not name, are reasons to skip."""
    card = trial.cls.card
    kind = trial.kinds[0]
    checked = False
    wrong = [((kind,) * (card.least - 1), "least")] if card.least > 1 else []
    wrong += [((kind,) * (card.most + 1), "most")] if card.most else []
    for kinds, bound in wrong:
        checked = True
        reason = trial.cls.skip(toy_task(kinds, 8))
        ensure(reason, f"{len(kinds)} modalities, {bound}={getattr(card, bound)}: skip() gives no reason")
    for alien in sorted(set(ALL_KINDS) - set(card.kinds)):
        checked = True
        reason = trial.cls.skip(toy_task((alien, *trial.kinds[1:]), 8))
        ensure(reason, f"kind {alien!r} is not on the card, but skip() gives no reason")
    if not checked:
        raise CheckSkipped("takes any number of any kind")


def check_every_kind(trial: Trial) -> None:
    """Every kind on the card can be learnt from and predicted, unless skip() gives a reason."""
    if trial.quick:
        raise CheckSkipped("left out of a quick check")
    others = [kind for kind in trial.cls.card.kinds if kind not in trial.kinds]
    tried = 0
    for kind in others:
        task = toy_task((kind,) * len(trial.kinds), 40)
        if trial.cls.skip(task) is None:
            tried += 1
            trial.try_on(task.samples[:24], task.y[:24], task.samples[24:], f"modalities of kind {kind!r}")
    if not tried:
        raise CheckSkipped("no further kind to try")


def check_categories(trial: Trial) -> None:
    """Categorical columns are handled, also with a category that training has not seen."""
    if "table" not in trial.kinds:
        raise CheckSkipped("takes no table")
    task = trial.task
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 2, 80).astype(float)
    codes[40:45] = 2.0
    table = task.samples.modality(f"table{trial.kinds.index('table')}")
    values = np.column_stack([table.values, codes])
    named = Modality(
        table.name, "table", values, features=(*table.features, "blood"), categories={"blood": ("a", "b", "ab")}
    )
    mixed = replaced(task.samples, named)
    if (reason := trial.cls.skip(replace(task, samples=mixed))) is not None:
        raise CheckSkipped(reason)
    trial.try_on(mixed[:40], task.y[:40], mixed[40:], "a categorical column")


def check_small_and_constant(trial: Trial) -> None:
    """Few rows, a class of one row, a constant column and a constant modality give proper probabilities."""
    task = toy_task(trial.kinds, 30, seed=4)
    flat = [_constant(m, whole=i == 0) for i, m in enumerate(task.samples.modalities)]
    dull = replaced(task.samples, *(m for m in flat if m is not None))
    trial.try_on(task.samples[:8], task.y[:8], task.samples[10:], "8 training rows")
    lone = np.flatnonzero((task.y == 0) | (np.arange(30) == 1))[:8]
    trial.try_on(task.samples[lone], task.y[lone], task.samples[10:], "a class with one training row")
    trial.try_on(dull[:20], task.y[:20], task.samples[20:], "a constant modality in training")


def _constant(modality: Modality, whole: bool) -> Modality | None:
    """The modality with one constant column, or with nothing but constants."""
    if modality.kind == "text":
        return None
    values = np.array(modality.values)
    values[(slice(None), *(() if whole else (..., 0)))] = 0.5
    return Modality(modality.name, modality.kind, values, features=modality.features)


def check_subjects(trial: Trial) -> None:
    """Samples with several rows a subject can be learnt from, also where a class has few subjects."""
    task = toy_task(trial.kinds, 36, rows_per_subject=3, seed=5)
    trial.try_on(task.samples[:18], task.y[:18], task.samples[18:], "three rows a subject")


def check_beats_prior(trial: Trial) -> None:
    """On classes that lie far apart, two or three of them, the method is better than guessing."""
    if trial.cls.card.name == "prior":
        raise CheckSkipped("the prior is guessing")
    for classes in (2, 3):
        task = toy_task(trial.kinds, 120, classes, seed=6)
        if trial.cls.skip(task) is not None:
            continue
        reached, bound = trial.accuracy(task, slice(0, 60), slice(60, 120)), above_chance(1 / classes, 60)
        ensure(
            reached > bound,
            f"accuracy {reached:.2f} on {classes} classes far apart; guessing reaches up to {bound:.2f}",
        )


def check_random_labels(trial: Trial) -> None:
    """On labels drawn by lot the method is at chance, on rows that it has not been fitted on: a detector of leaks.

    Given the training labels, the number of hits on one half is binomial with p = 1/2. The two halves of a draw may
    depend on each other, which at most doubles the variance; hence the bound of half as many rows.
    """
    draws, n = (3 if trial.quick else 6), 60
    hits = []
    for draw in range(draws):
        task = toy_task(trial.kinds, n, seed=draw)
        y = np.random.default_rng(draw).integers(0, 2, n)
        lots = replace(task, y=y)
        halves = (slice(0, n // 2), slice(n // 2, n))
        hits += [trial.accuracy(lots, *halves), trial.accuracy(lots, *halves[::-1])]
    reached, width = float(np.mean(hits)), above_chance(0.5, draws * n // 2) - 0.5
    if abs(reached - 0.5) > width:
        raise CheckFailed(
            f"accuracy {reached:.2f} on labels drawn by lot, expected 0.5 +/- {width:.2f}: it saw what it must not see"
        )
