"""The report as Markdown and as LaTeX, for repositories and papers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..catalogue import claim_text
from ..content import Content, TaskContent
from ..figures.style import Picture, wide
from ..files import file_stem
from ..metrics.registry import METRICS
from ..part import Part
from ..references import keys_of
from ..table import Table, number
from . import table_latex, templates

_RUN_LABELS = (
    ("Command", "command"),
    ("Suite", "suite"),
    ("fusebench", "version"),
    ("Python", "python"),
    ("Seed", "seed"),
    ("Created", "created"),
    ("Hardware", "hardware"),
    ("Results store", "store"),
    ("Packages", "packages"),
)


def render_markdown(content: Content) -> str:
    """The report as GitHub-flavoured Markdown; its figures lie in ``figures/``."""
    text = (
        templates.markdown()
        .get_template("report.md.jinja")
        .render(
            **_shared(content),
            survey=content.survey.narrow().to_markdown(),
            parts=_parts(content.parts, Table.to_markdown),
            tasks=[_task(task, Table.to_markdown) for task in content.tasks],
            protocol=content.protocol.narrow().to_markdown(),
            catalogue=content.catalogue.narrow().to_markdown(),
            references=content.references,
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def render_latex(content: Content) -> str:
    """The report as a LaTeX document that compiles as it is; its figures lie in ``figures/``.

    The narrow tables come first, for a paper; every column follows in panels by group.
    """
    environment = templates.latex()
    environment.filters["spaced"] = _spaced
    panels = [p for table in (content.survey, *(t.table for t in content.tasks)) for p in table.panels()]
    return environment.get_template("report.tex.jinja").render(
        **_shared(content),
        survey=content.survey.narrow().to_latex(),
        parts=_parts(content.parts, Table.to_latex),
        tasks=[_task(task, Table.to_latex) for task in content.tasks],
        panels=[panel.to_latex() for panel in panels],
        protocol=content.protocol.narrow().to_latex(),
        methods=[_method(content, name) for name in content.evaluation.methods],
        run_version=content.run["version"],
        created=content.run["created"][:10],
    )


def _shared(content: Content) -> dict[str, Any]:
    return {
        "title": content.title,
        "lede": content.lede,
        "findings": content.findings,
        "abstract": content.abstract,
        "survey_pictures": _pictures(content.pictures),
        "survey_lines": _lines(content.pictures),
        "checked": content.checked,
        "run": [(label, content.run[key]) for label, key in _RUN_LABELS if content.run[key]],
    }


def _method(content: Content, name: str) -> dict[str, Any]:
    """One method for the catalogue in LaTeX."""
    info, row = content.evaluation.info(name), content.catalogue
    figure = number(row.cell(name, "measured").estimate.value, "score")
    title = METRICS[content.primary].title
    return {
        "title": info.title or name,
        "kind": row.cell(name, "kind").text,
        "summary": info.summary,
        "cited": keys_of(info.citation, content.references),
        "inferred": info.inferred.rstrip("."),
        "claims": [claim_text(claim) for claim in info.claims],
        "measured": f"{title} here: {figure} on {row.cell(name, 'tasks').text} tasks.",
    }


def _task(task: TaskContent, text_of: Callable[[Table], str]) -> dict[str, Any]:
    info = task.evaluation.info
    return {
        "title": info.title or info.name,
        "description": info.description,
        "findings": task.findings,
        "table": text_of(task.table.narrow()),
        "pictures": _pictures(task.pictures),
        "lines": _lines(task.pictures),
        "parts": _parts(task.parts, text_of),
        "published": [claim_text(claim) for claim in info.published],
    }


def _parts(parts: Sequence[Part], text_of: Callable[[Table], str]) -> list[dict[str, Any]]:
    return [
        {
            "title": part.title,
            "paragraphs": part.paragraphs,
            "tables": [text_of(table) for table in part.tables],
            "pictures": _pictures(part.pictures),
            "lines": _lines(part.pictures),
        }
        for part in parts
    ]


def _pictures(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    return [{"file": file_stem(p.name), "caption": p.caption, "full": wide(p)} for p in pictures]


def _lines(pictures: Sequence[Picture]) -> list[list[dict[str, Any]]]:
    """Pictures by line: wide ones alone, others two by two."""
    lines: list[list[dict[str, Any]]] = []
    for picture in _pictures(pictures):
        if lines and len(lines[-1]) == 1 and not picture["full"] and not lines[-1][0]["full"]:
            lines[-1].append(picture)
        else:
            lines.append([picture])
    return lines


def _spaced(text: str) -> str:
    """LaTeX escaping that keeps the blanks at both ends, for pieces of one sentence."""
    left = " " if text[:1].isspace() else ""
    right = " " if text[-1:].isspace() else ""
    return f"{left}{table_latex.escape(text)}{right}"
