"""`fusebench report`: from the results file alone to tables, figures and pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._options import out_option

if TYPE_CHECKING:
    from fusebench.benchmarks.store import ResultStore
    from fusebench.reports.evaluation import Evaluation

_EXAMPLES = """\b
Examples:
  fusebench report                             from ./fusebench-results
  fusebench report --out results --to paper    read results/, write paper/
"""


@click.command("report", epilog=_EXAMPLES)
@out_option
@click.option(
    "--to", type=click.Path(path_type=Path), help="Folder to write to.  [default: report/ beside the results]"
)
@click.option("--quiet", is_flag=True, help="Do not show the leaderboard.")
def report_command(out: Path, to: Path | None, quiet: bool) -> None:
    """Write report.html, report.md, report.tex, tables and figures. Nothing is run again."""
    from fusebench.benchmarks.store import ResultStore

    with ResultStore(out) as store:
        evaluation = evaluate(store)
    page = write_page(evaluation, out, to)
    if not quiet:
        show_leaderboard(evaluation)
    click.echo(f"report: {page}", err=True)


def evaluate(store: ResultStore) -> Evaluation:
    """What leaderboard and report are made from, read once; DataError when the store has no outcome yet."""
    from fusebench.benchmarks.records import read_records
    from fusebench.datasets.errors import DataError
    from fusebench.reports.evaluation import Evaluation
    from fusebench.reports.results import Results

    plain = read_records(store)
    if plain["outcomes"].empty:
        raise DataError(f"{store.path}: no job has ended yet; `fusebench run` goes on with the run")
    return Evaluation(Results.from_records(**plain))


def write_page(evaluation: Evaluation, out: Path, to: Path | None = None) -> Path:
    """Write the report, into ``report`` beside the results when ``to`` is not given; gives the page's path."""
    from fusebench.reports.write import write_report

    return write_report(evaluation, to or (out if out.is_dir() else out.parent) / "report")


def show_leaderboard(evaluation: Evaluation) -> None:
    """Print the leaderboard to the terminal."""
    from rich.console import Console

    from fusebench.reports.tables import leaderboard
    from fusebench.reports.terminal import TerminalTable

    Console().print(TerminalTable(leaderboard(evaluation)))
