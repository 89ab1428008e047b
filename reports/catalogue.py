"""The tasks with their protocol, and the methods in the manner of a review: mechanism, published, measured here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .evaluation import Evaluation
from .metrics.registry import METRICS
from .statistics.intervals import UNKNOWN, Estimate
from .table import Cell, Column, Row, Table


def protocol_table(evaluation: Evaluation) -> Table:
    """One line a task: rows, classes, modalities, protocol, licence, best possible score."""
    columns = (
        Column("rows", "Rows", "Task", "count", paper=True),
        Column("classes", "Classes", "Task", "text", paper=True),
        Column("modalities", "Modalities", "Task", "text", paper=True),
        Column("protocol", "Protocol", "Protocol", "text", paper=True),
        Column("splits", "Splits", "Protocol", "count", paper=True),
        Column("origin", "Origin", "Source", "text"),
        Column("licence", "Licence", "Source", "text"),
    )
    rows = []
    for name, task in evaluation.tasks.items():
        info = task.info
        counts = zip(info.classes, info.class_counts, strict=False)
        cells = (
            Cell(Estimate(float(info.n))),
            Cell(text=", ".join(f"{label} ({count:,})" for label, count in counts)),
            Cell(text=", ".join(f"{m} ({kind}, {width:,})" for m, kind, width in info.modalities)),
            Cell(text=info.protocol),
            Cell(Estimate(float(len(task.splits)))),
            Cell(text=info.origin),
            Cell(text=info.licence),
        )
        rows.append(Row(name, info.title or name, "", "method", cells))
    return Table("tasks", "Tasks and protocol", columns, tuple(rows), stub="Task")


def catalogue_table(evaluation: Evaluation, primary: str) -> Table:
    """One line a method: who, family and fusion, what it takes, how it works, what was published, what was measured."""
    metric = METRICS[primary]
    columns = (
        Column("source", "After", "Method", "text", paper=True),
        Column("kind", "Family and fusion", "Method", "text", paper=True),
        Column("takes", "Takes", "Method", "text"),
        Column("mechanism", "Mechanism", "Method", "text", paper=True),
        Column("inferred", "Inferred", "Method", "text"),
        Column("published", "Published", "Figures", "text", paper=True, description="On other data: never a target."),
        Column("measured", f"{metric.title} here", "Figures", direction=metric.direction, paper=True),
        Column("tasks", "Tasks", "Figures", "text", paper=True, description="Tasks of its form that it completed."),
    )
    points, complete = evaluation.across(lambda task: task.score(primary))
    rows = []
    for m, name in enumerate(evaluation.methods):
        info = evaluation.info(name)
        done = complete[:, m] & np.isfinite(points[:, m])
        fusion = "no fusion" if info.fusion == "none" else f"{info.fusion} fusion"
        cells = (
            Cell(text=info.citation),
            Cell(text=f"{info.family}, {fusion}{', transductive' if info.transductive else ''}"),
            Cell(text=", ".join(info.kinds)),
            Cell(text=info.summary),
            Cell(text=info.inferred),
            Cell(text="; ".join(claim_text(claim) for claim in info.claims)),
            Cell(Estimate(float(points[done, m].mean())) if done.any() else UNKNOWN),
            Cell(text=f"{int(done.sum())} of {len(done)}"),
        )
        rows.append(Row(name, info.title or name, info.family, info.role, cells, fusion=info.fusion))
    return Table(
        "methods",
        "Methods",
        columns,
        tuple(rows),
        legend=f"{metric.title} here: mean over the tasks that the method completed, which differ between methods.",
    )


def claim_text(claim: Mapping[str, Any]) -> str:
    """A published figure in words: what, metric, value, source."""
    head = " ".join(str(claim[key]) for key in ("metric", "value") if claim.get(key) is not None)
    what, source = str(claim.get("what") or ""), str(claim.get("source") or "")
    return f"{what}{': ' if what and head else ''}{head}{f' ({source})' if source else ''}"
