"""Write a report from results: page, Markdown, LaTeX, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .content import Content
from .evaluation import Evaluation
from .figures.style import Picture, save
from .files import file_stem, write_text
from .metrics.cards import metric_card
from .parallel import map_forked
from .part import Part
from .references import bibliography
from .render.document import render_latex, render_markdown
from .render.page import render_page
from .results import Results
from .tables import PRIMARY


def write_report(
    results: Results | Evaluation, folder: str | Path, primary: str = PRIMARY, more: tuple[Part, ...] = ()
) -> Path:
    """Write ``report.html``, ``report.md``, ``report.tex``, ``tables/*.csv`` and ``figures/*.svg, .pdf, .csv``.

    Each file appears whole or not at all, the page last; files of other names in the folder are left alone.

    Parameters
    ----------
    results: what the harness stored, or its evaluation. folder: made where it does not exist.
    primary: key of the metric that orders the tables, ranks the methods and speaks in the headlines.
    more: sections to put before those over all tasks.

    Returns
    -------
    The path of the page.

    Raises
    ------
    KeyError: there is no such metric. ValueError: no outcome on all modalities of a task, so nothing to report.
    OSError: the folder cannot be written.
    """
    metric_card(primary)
    folder = Path(folder)
    content = Content(results if isinstance(results, Evaluation) else Evaluation(results), primary, more)
    if not content.tasks:
        raise ValueError("the results hold no outcome on all modalities of any task; run a task first")
    return write_texts(content, draw_pictures(content, folder), folder)


def draw_pictures(content: Content, folder: Path) -> dict[str, str]:
    """Write the figures and their numbers; gives the SVG documents by name."""

    def draw(picture: Picture) -> str:
        stem = folder / "figures" / file_stem(picture.name)
        write_text(stem.with_suffix(".csv"), picture.frame().to_csv(index=False, lineterminator="\n"))
        return save(picture.plot(), stem)

    pictures = content.all_pictures
    return dict(zip((picture.name for picture in pictures), map_forked(draw, pictures), strict=True))


def write_texts(content: Content, drawn: Mapping[str, str], folder: Path) -> Path:
    """Write tables, Markdown, LaTeX and at last the page, with the figures ``drawn``; gives the page's path."""
    for table in content.all_tables:
        write_text(folder / "tables" / f"{file_stem(table.name)}.csv", table.to_csv())
    write_text(folder / "report.md", render_markdown(content))
    write_text(folder / "report.tex", render_latex(content))
    write_text(folder / "report.bib", bibliography(content.references))
    return write_text(folder / "report.html", render_page(content, drawn))
