"""The report as one self-contained page: no network, light and dark, for screen and print."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

from ..catalogue import claim_text
from ..columns import FIGURES, TEXTS
from ..content import Content, TaskContent
from ..figures.style import Picture, colour, inline_svg, wide
from ..files import file_stem
from ..parallel import map_forked
from ..part import Part
from . import templates
from .table_html import render as render_table

_LINES = 60
# Of a figure's data in the page itself; the rest lies beside it.


def render_page(content: Content, drawn: Mapping[str, str]) -> str:
    """The page as text. ``drawn`` are the SVG documents of the content's pictures by name."""
    script = templates.source("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    evaluation = content.evaluation
    return (
        templates.html()
        .get_template("page.html.jinja")
        .render(
            title=content.title,
            lede=content.lede,
            css=Markup(templates.source("page.css")),  # our own file, no text from data
            js=Markup(script),
            script_hash=digest,
            run=content.run,
            abstract=content.abstract,
            protocol=Markup(render_table(content.protocol)),
            catalogue=Markup(render_table(content.catalogue)),
            references=content.references,
            findings=content.findings,
            issues=sum(bool(c.remarks) and c.check.severity == "issue" for c in content.checked),
            survey=Markup(render_table(content.survey, whisker=content.primary)),
            survey_pictures=[_picture(p, drawn) for p in content.pictures],
            parts=_parts(content.parts, drawn),
            tasks=map_forked(lambda task: _task(content, task, drawn), content.tasks),
            checked=content.checked,
            failures=content.failures,
            methods=[
                {
                    "info": evaluation.info(name),
                    "tint": colour(evaluation.info(name).family),
                    "claims": [claim_text(c) for c in evaluation.info(name).claims],
                    "notes": content.notes(name),
                }
                for name in evaluation.methods
            ],
            columns=[figure.column for figure in FIGURES if not figure.column.title.endswith("(T)")]
            + [t.column for t in TEXTS],
        )
    )


def anchor(name: str) -> str:
    """A fragment identifier for a task."""
    return f"task-{file_stem(name)}"


def _task(content: Content, task: TaskContent, drawn: Mapping[str, str]) -> dict[str, Any]:
    info = task.evaluation.info
    return {
        "anchor": anchor(info.name),
        "table_id": f"table-{task.table.name}",
        "title": info.title or info.name,
        "info": info,
        "findings": task.findings,
        "table": Markup(render_table(task.table, whisker=content.primary)),
        "pictures": [_picture(p, drawn) for p in task.pictures],
        "parts": _parts(task.parts, drawn),
        "published": [claim_text(claim) for claim in info.published],
        **content.facts(task.evaluation),
    }


def _parts(parts: Iterable[Part], drawn: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "anchor": "part-" + re.sub(r"[^A-Za-z0-9-]+", "-", part.title).strip("-").lower(),
            "title": part.title,
            "paragraphs": part.paragraphs,
            "tables": [Markup(render_table(table)) for table in part.tables],
            "pictures": [_picture(p, drawn) for p in part.pictures],
        }
        for part in parts
    ]


def _picture(picture: Picture, drawn: Mapping[str, str]) -> dict[str, Any]:
    prefix = re.sub(r"[^A-Za-z0-9-]+", "-", picture.name)
    element = inline_svg(drawn[picture.name], prefix, str(escape(picture.caption)))
    lines = picture.frame().to_csv(index=False, lineterminator="\n", float_format="%.5g").splitlines()
    return {
        "svg": Markup(element),
        "caption": picture.caption,
        "full": wide(picture),
        "file": file_stem(picture.name),
        "data": "\n".join(lines[:_LINES]),
        "cut": len(lines) > _LINES,
    }
