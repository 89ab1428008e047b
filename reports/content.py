"""The content of a report, computed once and then rendered as page, Markdown, LaTeX and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .abstract import abstract
from .catalogue import catalogue_table, protocol_table
from .checks.check import Checked
from .checks.registry import run_checks
from .evaluation import Evaluation, TaskEvaluation
from .figures.modalities import score_by_modalities
from .figures.pareto import accuracy_against_calibration, accuracy_against_cost
from .figures.ranks import ranks_over_tasks
from .figures.reliability import FEW, reliability
from .figures.style import Picture
from .findings import Finding, survey_findings, task_findings
from .memory import Key
from .parallel import map_forked
from .part import Part
from .parts import survey_parts, task_parts
from .references import Reference, references
from .table import Table
from .tables import PRIMARY, STATUS_WORDS, survey_table, task_table

MANY_TASKS = 8
"""With more tasks than this each shows few figures of few methods: nobody looks at hundreds, and drawing is slow."""


@dataclass(frozen=True)
class Failure:
    """Jobs of one method on one task that ended alike without a result."""

    task: str
    method: str
    status: str
    phase: str
    reason: str
    count: int


@dataclass(frozen=True)
class TaskContent:
    """What a report says of one task."""

    evaluation: TaskEvaluation
    findings: tuple[Finding, ...]
    table: Table
    pictures: tuple[Picture, ...]
    parts: tuple[Part, ...]

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """The table and those of the parts."""
        return (self.table, *(table for part in self.parts for table in part.tables))

    @property
    def all_pictures(self) -> tuple[Picture, ...]:
        """The pictures and those of the parts."""
        return (*self.pictures, *(picture for part in self.parts for picture in part.pictures))


@dataclass(frozen=True)
class Content:
    """Everything that a report says; ``primary`` is the metric that orders, ranks and speaks first.

    ``more`` are sections that no results alone can give, such as what changed since others; they come first.
    """

    evaluation: Evaluation
    primary: str = PRIMARY
    more: tuple[Part, ...] = ()

    @cached_property
    def tasks(self) -> tuple[TaskContent, ...]:
        """One part a task."""
        tasks = list(self.evaluation.tasks.values())
        _ = self.evaluation.constant  # before the processes part, so that each does not read all tasks for it
        found = map_forked(self._task_and_memory, tasks)
        for task, (_, memory) in zip(tasks, found, strict=True):
            task.memory.take(memory)
        return tuple(replace(own, evaluation=task) for task, (own, _) in zip(tasks, found, strict=True))

    def _task_and_memory(self, task: TaskEvaluation) -> tuple[TaskContent, Mapping[Key, Any]]:
        """The content of a task without its predictions, and scores and more that the survey needs too."""
        own = self._task(task)
        return replace(own, evaluation=task.emptied()), task.memory.kept

    @cached_property
    def survey(self) -> Table:
        """The survey table."""
        return survey_table(self.evaluation, self.primary)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Headlines over all tasks; with one task, that task's."""
        if len(self.tasks) == 1:
            last = [f for f in survey_findings(self.evaluation, self.survey, self.primary) if f.topic == "failures"]
            return (*self.tasks[0].findings, *last)
        return tuple(survey_findings(self.evaluation, self.survey, self.primary))

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """Figures over all tasks; none with one task, which has its own, or where no method is complete on all."""
        ranked = sum(self.survey.cell(name, "mean_rank").estimate.known for name in self.evaluation.methods)
        if len(self.tasks) < 2 or not ranked:
            return ()
        drawn = (
            accuracy_against_cost(self.evaluation, self.survey, self.primary),
            accuracy_against_calibration(self.evaluation, self.survey, self.primary),
        )
        return (*drawn, ranks_over_tasks(self.evaluation, self.primary)) if ranked > 1 else drawn

    @cached_property
    def abstract(self) -> str:
        """What was compared and found, in one paragraph."""
        return abstract(self.evaluation, self.findings, self.checked, self.primary)

    @cached_property
    def protocol(self) -> Table:
        """The tasks and how they were split."""
        return protocol_table(self.evaluation)

    @cached_property
    def catalogue(self) -> Table:
        """The methods in the manner of a review."""
        return catalogue_table(self.evaluation, self.primary)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """What the report cites."""
        return references(self.evaluation)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Sections over all tasks."""
        return (*self.more, *survey_parts(self.evaluation, self.primary))

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Every table of the report."""
        own = (self.protocol, self.survey, self.catalogue, *(table for part in self.parts for table in part.tables))
        return (*own, *(table for task in self.tasks for table in task.all_tables))

    @property
    def all_pictures(self) -> tuple[Picture, ...]:
        """Every picture of the report."""
        own = (*self.pictures, *(picture for part in self.parts for picture in part.pictures))
        return (*own, *(picture for task in self.tasks for picture in task.all_pictures))

    @cached_property
    def checked(self) -> tuple[Checked, ...]:
        """Methodological checks and their remarks."""
        return tuple(run_checks(self.evaluation))

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """Everything that gave no result, on all modalities or some."""
        frame = self.evaluation.results.outcomes
        bad = frame[frame["status"] != "ok"]
        found = []
        for key, rows in bad.groupby(["task", "method", "status", "phase", "reason"], sort=False, dropna=False):
            task, method, status, phase, reason = (str(part) if isinstance(part, str) else "" for part in key)
            titles = (self.evaluation.results.tasks[task].title or task, self.evaluation.info(method).title or method)
            found.append(Failure(*titles, STATUS_WORDS.get(status, status), phase, reason, len(rows)))
        return tuple(found)

    @property
    def title(self) -> str:
        """The report's title."""
        count = len(self.tasks)
        where = (
            (self.tasks[0].evaluation.info.title or self.tasks[0].evaluation.info.name)
            if count == 1
            else f"{count} tasks"
        )
        methods = len(self.evaluation.methods)
        return f"Multimodal fusion compared: {methods} method{'' if methods == 1 else 's'} on {where}"

    @property
    def lede(self) -> str:
        """One line below the title."""
        frame = self.evaluation.results.outcomes
        families = sorted({self.evaluation.info(m).family for m in self.evaluation.methods})
        ok = int((frame["status"] == "ok").sum())
        created = str(self.run.get("created", ""))[:10]
        parts = [f"{ok:,} of {len(frame):,} jobs succeeded", f"Families: {', '.join(families)}", created]
        return ". ".join(part for part in parts if part) + "."

    @property
    def run(self) -> Mapping[str, Any]:
        """How to reproduce it, as texts; what is not known is empty."""
        known = self.evaluation.results.run
        texts = {
            key: "" if known.get(key) is None else str(known[key])
            for key in ("command", "suite", "version", "created", "seed", "python", "store", "hardware")
        }
        packages = known.get("packages") or {}
        return {**texts, "packages": ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))}

    def facts(self, task: TaskEvaluation) -> Mapping[str, str]:
        """A task's size, classes and modalities in words."""
        info = task.info
        subjects = f", {info.n_subjects:,} subjects" if info.n_subjects != info.n else ""
        return {
            "rows": f"{info.n:,}{subjects}",
            "classes": ", ".join(f"{c} ({n:,})" for c, n in zip(info.classes, info.class_counts, strict=False)),
            "modalities": ", ".join(f"{name} ({kind}, {width:,})" for name, kind, width in info.modalities),
            "missing": f"{info.missing:.1%} of the cells" if info.missing else "",
        }

    def notes(self, method: str) -> tuple[str, ...]:
        """Sentences that a method wanted shown, each once."""
        frame = self.evaluation.results.outcomes
        own = frame.loc[frame["method"] == method, "notes"]
        return tuple(dict.fromkeys(str(note) for notes in own if isinstance(notes, (tuple, list)) for note in notes))

    def _task(self, task: TaskEvaluation) -> TaskContent:
        table = task_table(self.evaluation, task, self.primary)
        order = [row.name for row in table.rows if row.role != "ceiling" and not row.status]
        many = len(self.evaluation.tasks) > MANY_TASKS
        pictures: list[Picture] = []
        if order and np.isfinite(task.score(self.primary).points).any():
            few = reliability(self.evaluation, task, order, FEW) if many else None
            pictures = [few] if few else self._pictures(task, table, order)
        parts = task_parts(self.evaluation, task, self.primary)
        if many:
            first = next((part for part in parts if part.pictures), None)
            parts = tuple(replace(part, pictures=part.pictures[:1] if part is first else ()) for part in parts)
            parts = tuple(part for part in parts if not part.empty)
        findings = (
            *task_findings(self.evaluation, task, self.primary),
            *(finding for part in parts for finding in part.findings),
        )
        return TaskContent(task, findings, table, tuple(pictures), parts)

    def _pictures(self, task: TaskEvaluation, table: Table, order: list[str]) -> list[Picture]:
        modalities = score_by_modalities(self.evaluation, task, self.primary)
        return [
            accuracy_against_cost(self.evaluation, table, self.primary, task),
            accuracy_against_calibration(self.evaluation, table, self.primary, task),
            reliability(self.evaluation, task, order),
            *([modalities] if modalities else []),
        ]
