"""What modalities added to the predictions: Shapley values of fitted methods, averaged over rows, over the splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..evaluation import Evaluation, TaskEvaluation
from ..statistics.intervals import Estimate, corrected_t
from .modality_shares import by_family

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MethodContributions:
    """What each modality adds to the probability that a method gives to the true class.

    Parameters
    ----------
    method: its name; modalities: those of the task, in the task's order.
    values: (J, M) means over the explained test rows of each of J splits.
    rows: how many rows that were, in all splits together.
    ratio: of test to training rows, for intervals over splits; 0 where there is one test set.
    guessing: whether the method cannot be told from guessing on the task.
    """

    method: str
    modalities: tuple[str, ...]
    values: Floats
    rows: int
    ratio: float
    guessing: bool

    @cached_property
    def estimates(self) -> Mapping[str, Estimate]:
        """By modality the mean over splits, with its 95 % interval."""
        return {
            name: corrected_t(column, self.ratio) for name, column in zip(self.modalities, self.values.T, strict=True)
        }

    @cached_property
    def first(self) -> str | None:
        """The modality that adds most in every split; None where it changes."""
        tops = {self.modalities[m] for m in self.values.argmax(axis=1)}
        return tops.pop() if len(tops) == 1 else None


def explanations(task: TaskEvaluation, method: str) -> Iterator[Mapping[str, Any]]:
    """What is stored with the splits of a method, of those that have anything."""
    for row in task.ok_of(method):
        if isinstance(row.explanation, Mapping):
            yield row.explanation


def contributions(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> tuple[MethodContributions, ...]:
    """Of every method with Shapley values, families together; nothing for a task with one modality."""
    modalities = tuple(name for name, _, _ in task.info.modalities)
    found = []
    for method in task.methods if len(modalities) > 1 else ():
        usable = [
            np.asarray(own["shapley"], dtype=np.float64)
            for own in explanations(task, method)
            if own["shapley"] is not None and tuple(own["modalities"]) == modalities and len(own["shapley"])
        ]
        if usable:
            means = np.array([rows.mean(axis=0) for rows in usable])
            ratio = task.test_to_train if task.resampled else 0.0
            count = sum(map(len, usable))
            found.append(MethodContributions(method, modalities, means, count, ratio, task.guessing(method)))
    order = by_family(evaluation, task, primary)
    return tuple(sorted(found, key=lambda own: order(own.method)))


def most_first(found: Sequence[MethodContributions]) -> tuple[str, ...]:
    """The modalities by their mean contribution over methods that are better than guessing, or all: most first."""
    if not found:
        return ()
    telling = [own for own in found if not own.guessing] or list(found)
    means = np.mean([own.values.mean(axis=0) for own in telling], axis=0)
    return tuple(found[0].modalities[m] for m in np.argsort(-np.round(means, 9), kind="stable"))


def reasons(task: TaskEvaluation) -> tuple[str, ...]:
    """Sentences on what was not explained, each once."""
    told = [reason for method in task.methods for own in explanations(task, method) for reason in own["reasons"]]
    return tuple(dict.fromkeys(map(str, told)))
