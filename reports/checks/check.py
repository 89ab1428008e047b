"""What a check is, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ..evaluation import Evaluation, TaskEvaluation


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

    @property
    def why(self) -> str:
        """When it speaks and what to do then."""
        return " ".join((self.function.__doc__ or "").split())


@dataclass(frozen=True)
class Checked:
    """A check with what it found."""

    check: Check
    remarks: tuple[Remark, ...]


def each(evaluation: Evaluation) -> Iterator[tuple[TaskEvaluation, str]]:
    """Every method that ended well on all splits of a task."""
    for task in evaluation.tasks.values():
        for m, name in enumerate(task.methods):
            if task.complete[m]:
                yield task, name
