"""`fusebench report`: from the results file alone to tables, figures and pages."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._options import out_option

if TYPE_CHECKING:
    from fusebench.benchmarks.store import ResultStore
    from fusebench.reports.evaluation import Evaluation
    from fusebench.reports.options import Options
    from fusebench.reports.part import Part

_EXAMPLES = """\b
Examples:
  fusebench report                             from ./fusebench-results
  fusebench report --out results --to paper    read results/, write paper/
  fusebench report --by sex --by age           scores by these columns too, the worst group beside the average
  fusebench report --silence FB12 --watts 15   without that check; energy at 15 W for a busy core
  fusebench report before after --to changes   both together, and what changed from one to the other
"""


@click.command("report", epilog=_EXAMPLES)
@click.argument("stores", nargs=-1, type=click.Path(path_type=Path))
@out_option
@click.option(
    "--to", type=click.Path(path_type=Path), help="Folder to write to.  [default: report/ beside the results]"
)
@click.option("--by", multiple=True, metavar="COLUMN", help="Score subgroups by this column too. Repeatable.")
@click.option("--silence", multiple=True, metavar="CODE", help="Leave this check out, such as FB12. Repeatable.")
@click.option("--watts", type=click.FloatRange(min=0), default=0.0, help="Power of a busy core, to model energy from.")
@click.option("--pdf/--no-pdf", default=None, help="Also compile report.pdf.  [default: where pdflatex is installed]")
@click.option("--quiet", is_flag=True, help="Do not show the leaderboard.")
def report_command(
    stores: tuple[Path, ...],
    out: Path,
    to: Path | None,
    by: tuple[str, ...],
    silence: tuple[str, ...],
    watts: float,
    pdf: bool | None,
    quiet: bool,
) -> None:
    """Write report.html, report.md, report.tex, tables and figures. Nothing is run again.

    STORES are results folders instead of --out. Several make one report of them all; of two it also says what changed.
    """
    from fusebench.benchmarks.merging import merge_stores
    from fusebench.benchmarks.store import ResultStore

    options = _options(by, silence, watts)
    more: tuple[Part, ...] = ()
    if len(stores) > 1:
        with tempfile.TemporaryDirectory() as folder, merge_stores(stores, Path(folder)) as store:
            evaluation = evaluate(store, options)
            more = (_changes(stores),) if len(stores) == 2 else ()
    else:
        out = stores[0] if stores else out
        with ResultStore(out) as store:
            evaluation = evaluate(store, options)
    _check_columns(evaluation)
    page = write_page(evaluation, Path() if len(stores) > 1 else out, to, more)
    if not quiet:
        show_leaderboard(evaluation)
    click.echo(f"report: {page}", err=True)
    _compile(page.parent, pdf)


def _compile(folder: Path, pdf: bool | None) -> None:
    """The PDF where it is wanted; a report stands without it, so that a failure is told and no more."""
    from fusebench.reports.render.pdf import LatexError, compile_pdf, engine

    if pdf is False or (pdf is None and engine() is None):
        return
    try:
        click.echo(f"PDF: {compile_pdf(folder)}", err=True)
    except LatexError as error:
        click.secho(f"no PDF: {error}", fg="yellow", err=True)


def _changes(stores: tuple[Path, ...]) -> Part:
    """The section on what changed from the first results to the second."""
    from fusebench.benchmarks.store import ResultStore
    from fusebench.reports.changes import changes_part
    from fusebench.reports.tables import PRIMARY

    evaluations = []
    for path in stores:
        with ResultStore(path) as store:
            evaluations.append(evaluate(store))
    return changes_part(evaluations[0], evaluations[1], (str(stores[0]), str(stores[1])), PRIMARY)


def _options(by: tuple[str, ...], silence: tuple[str, ...], watts: float) -> Options:
    from fusebench.datasets.errors import UnknownNameError
    from fusebench.reports.checks.registry import CHECKS
    from fusebench.reports.options import Options

    codes = [code.upper() for code in silence]
    for code in codes:
        if code not in {check.code for check in CHECKS}:
            raise UnknownNameError("check", code, {check.code for check in CHECKS})
    return Options(by, frozenset(codes), watts)


def _check_columns(evaluation: Evaluation) -> None:
    """UnknownNameError for a column of ``--by`` that no task has."""
    from fusebench.datasets.errors import UnknownNameError

    known = {name for task in evaluation.tasks.values() for name, *_ in task.info.subgroups}
    for column in evaluation.options.by:
        if column not in known | {name.rsplit(".", 1)[-1] for name in known}:
            raise UnknownNameError("column", column, known)


def evaluate(store: ResultStore, options: Options | None = None) -> Evaluation:
    """What leaderboard and report are made from, read once; DataError when the store has no outcome yet."""
    from fusebench.benchmarks.records import read_records
    from fusebench.datasets.errors import DataError
    from fusebench.reports.evaluation import Evaluation
    from fusebench.reports.options import Options
    from fusebench.reports.results import Results

    plain = read_records(store)
    if plain["outcomes"].empty:
        raise DataError(f"{store.path}: no job has ended yet; `fusebench run` goes on with the run")
    return Evaluation(Results.from_records(**plain), options=options or Options())


def write_page(evaluation: Evaluation, out: Path, to: Path | None = None, more: tuple[Part, ...] = ()) -> Path:
    """Write the report, into ``report`` beside the results when ``to`` is not given; gives the page's path."""
    from fusebench.reports.write import write_report

    return write_report(evaluation, to or (out if out.is_dir() else out.parent) / "report", more=more)


def parts(evaluation: Evaluation, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a report is made of, in its order: a name, and the call that makes it; the last ones write to the folder."""
    from fusebench.reports.content import Content
    from fusebench.reports.write import draw_pictures, write_texts

    content = Content(evaluation)
    drawn: dict[str, str] = {}
    yield "tasks", lambda: content.tasks
    yield "survey, findings", lambda: (content.survey, content.findings, content.pictures)
    yield "checks", lambda: content.checked
    yield "claims, order", lambda: (content.abstract, content.parts)
    yield f"{len(content.all_pictures)} figures", lambda: drawn.update(draw_pictures(content, folder))
    yield f"{len(content.all_tables)} tables, pages", lambda: write_texts(content, drawn, folder)


def show_leaderboard(evaluation: Evaluation) -> None:
    """Print the leaderboard to the terminal."""
    from rich.console import Console

    from fusebench.reports.tables import leaderboard
    from fusebench.reports.terminal import TerminalTable

    Console().print(TerminalTable(leaderboard(evaluation)))
