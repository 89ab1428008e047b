"""Which sections a report has beside its tables: those over all tasks, and those within a task, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .claims.section import claim_parts
from .comparison.in_task import comparison_parts
from .comparison.over_tasks import order_parts
from .evaluation import Evaluation, TaskEvaluation
from .fusion.verdict import fusion_part
from .models.parts import model_parts
from .part import Part
from .price import price_parts
from .subgroups import subgroup_parts
from .trust.section import trust_parts

SurveyParts = Callable[[Evaluation, str], Iterable[Part]]
TaskParts = Callable[[Evaluation, TaskEvaluation, str], Iterable[Part]]

# Each takes the primary metric last, and gives its sections; empty ones are left out.
SURVEY: tuple[SurveyParts, ...] = (claim_parts, order_parts)
TASK: tuple[TaskParts, ...] = (fusion_part, comparison_parts, trust_parts, price_parts, subgroup_parts, model_parts)


def survey_parts(evaluation: Evaluation, primary: str) -> tuple[Part, ...]:
    """The sections over all tasks that there is anything to say in."""
    return tuple(part for make in SURVEY for part in make(evaluation, primary) if not part.empty)


def task_parts(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> tuple[Part, ...]:
    """The sections of a task that there is anything to say in."""
    return tuple(part for make in TASK for part in make(evaluation, task, primary) if not part.empty)
