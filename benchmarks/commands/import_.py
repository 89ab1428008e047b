"""`fusebench import`: predictions of any other program, into the same tables, tests and figures."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from ._options import out_option

_EXAMPLES = """\b
Examples:
  fusebench export splits.csv --splits --task breast-cancer       who trains and who is tested, for your program
  fusebench import mine.csv --task breast-cancer --method "My tool"
  fusebench import mine.csv --task heart.toml --method "My tool" --fusion late --family neural

\b
The file has a line for each test row:
  id,repeat,fold,p(benign),p(malignant)
  17,0,3,0.91,0.09
repeat may be left out where there is one, fold where each row is tested once. Out-of-fold probabilities of training
rows (a column part that says validation) fill the recalibrated columns; without them those stay empty."""


@click.command("import", epilog=_EXAMPLES)
@click.argument("predictions", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--task", required=True, metavar="NAME|FILE", help="The task: as in the results, or as for `run`.")
@click.option("--method", required=True, metavar="LABEL", help="What tables call it.")
@click.option("--family", default="other", show_default=True, help="Family that it stands under.")
@click.option(
    "--fusion",
    type=click.Choice(["unknown", "none", "early", "intermediate", "late", "hybrid"]),
    default="unknown",
    show_default=True,
    help="Where modalities meet in it.",
)
@click.option("--summary", default="", help="One sentence on its mechanism, for the catalogue.")
@click.option("--citation", default="", help="Its paper.")
@click.option("--replace", is_flag=True, help="Take the place of an earlier import of the same label.")
@out_option
def import_command(
    predictions: Path,
    task: str,
    method: str,
    family: str,
    fusion: str,
    summary: str,
    citation: str,
    replace: bool,
    out: Path,
) -> None:
    """Take probabilities from PREDICTIONS (.csv, .tsv or .parquet) into the results.

    They must be of the task's own splits; ids are checked, and every mismatch is named. A task that the results do not
    hold yet is added with the splits that `fusebench run` would make.
    """
    from fusebench.benchmarks.imported import imported_outcomes, read_predictions
    from fusebench.benchmarks.store import ResultStore
    from fusebench.benchmarks.task_splits import IMPORTED, keep_task, planned_splits, stored_splits
    from fusebench.datasets.errors import DataError

    info = {
        "name": method, "title": method, "family": family, "fusion": fusion, "role": "method", "summary": summary,
        "citation": citation,
    }  # fmt: skip
    with ResultStore(out, write=True) as store:
        splits, planned = stored_splits(store, task), None
        if splits is None:
            splits, planned = planned_splits(task)
            splits = stored_splits(store, splits.name) or splits
        before = [job for _, job in store.planned() if job.label == method and job.task == splits.name]
        if any(job.label == method and not job.method.startswith(IMPORTED) for _, job in store.planned()):
            raise DataError(f"--method {method!r} is a method of the results already; choose another label")
        if before and not replace:
            raise DataError(f"--method {method!r} was imported on this task before; --replace takes its place")
        found = read_predictions(predictions, splits)
        if planned is not None:
            keep_task(store, splits, planned)
        pairs = list(imported_outcomes(found, splits, method))
        store.forget(before)
        store.add_method(method, pairs[0][0].source, info)
        store.begin_run(_run(store), [job for job, _ in pairs])
        store.put_all(outcome for _, outcome in pairs)
    whole = len(splits.rows)
    left = "" if len(pairs) == whole else f"; {whole - len(pairs)} are missing, so that it is not ranked or marked"
    kept = f" and validation rows of {len(found.validation)}" if found.validation else ""
    click.echo(f"{method}: {len(pairs)} of {whole} splits of {splits.name}{kept} imported{left}", err=True)
    click.echo(f"`fusebench report --out {shlex.quote(str(out))}` writes the report with it", err=True)


def _run(store: object) -> dict[str, object]:
    """What is known of the last run still holds; the import is one more command after it."""
    from fusebench.benchmarks.store import ResultStore

    assert isinstance(store, ResultStore)
    runs = store.runs()
    last = {k: v for k, v in runs[-1].items() if k not in ("id", "started")} if runs else {}
    command = shlex.join(["fusebench", *sys.argv[1:]])
    return {**last, "command": "\n".join(filter(None, (str(last.get("command", "")), command)))}
