"""``fusebench data``: open cohorts that are fetched on request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

from fusebench.datasets.card import TaskCard
from fusebench.datasets.errors import UnknownNameError
from fusebench.datasets.fetch.catalogue import COHORTS
from fusebench.datasets.fetch.cohort import Cohort, check_package, cohort_folder, expected_size, fetch, is_fetched
from fusebench.datasets.registry import task_registry

from ._terminal import console, facts, json_option, print_json, table


@click.group(
    "data",
    epilog="""\b
Examples:
  fusebench data list                       what there is, and what is on this disk
  fusebench data fetch dermatology          shows licence and size, and asks
  fusebench data fetch spectf abide --yes   without asking
  fusebench run --task dermatology
""",
)
def data_command() -> None:
    """Open cohorts: list them, fetch them, find them on this disk.

    They lie in the folder FUSEBENCH_CACHE, or else in fusebench in the user's cache folder. FUSEBENCH_MIRROR names an
    address that holds them as NAME/FILE, and is then asked instead of the publishers.
    """


@data_command.command(
    "list",
    epilog="""\b
Examples:
  fusebench data list
  fusebench data list --json
""",
)
@json_option
def list_cohorts(as_json: bool) -> None:
    """List the open cohorts: size, licence, and whether they are on this disk."""
    records = [
        {
            "name": cohort.name,
            "title": _card(cohort).title,
            "size": cohort.size,
            "licence": _card(cohort).licence,
            "fetched": is_fetched(cohort),
            "folder": str(cohort_folder(cohort.name)),
        }
        for cohort in sorted(COHORTS.values(), key=lambda c: c.name)
    ]
    if as_json:
        print_json(records)
        return
    rows = [
        [str(r["name"]), str(r["title"]), str(r["size"]), str(r["licence"]), Text("✓", "green") if r["fetched"] else ""]
        for r in records
    ]
    console().print(table(["Name", "Title", "Size", "Licence", "Fetched"], rows))


@data_command.command(
    "fetch",
    epilog="""\b
Examples:
  fusebench data fetch pneumoniamnist
  fusebench data fetch heart-disease dermatology --yes
""",
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--yes", "-y", is_flag=True, help="Agree to licence and size without being asked.")
def fetch_cohorts(names: tuple[str, ...], yes: bool) -> None:
    """Fetch open cohorts, and verify what came.

    What breaks off is gone on with by the same command. What is there already is only verified.
    """
    for cohort in [_cohort(name) for name in names]:
        check_package(cohort)
        if not is_fetched(cohort):
            _show(cohort)
            if not yes:
                _ask()
        module = task_registry().get(cohort.name).load()
        with _bars() as progress:
            task = fetch(cohort, module.load, bring=getattr(module, "bring", None), progress=progress)
        parts = ", ".join(f"{m.name} {' by '.join(map(str, m.shape[1:]))}" for m in task.samples.modalities)
        click.secho(f"✓ {cohort.name}: {len(task):,} rows ({parts}), verified", fg="green")


@data_command.command(
    "where",
    epilog="""\b
Examples:
  fusebench data where dermatology
  ls $(fusebench data where spectf)
""",
)
@click.argument("name")
def where(name: str) -> None:
    """Print the folder of an open cohort, whether it is fetched or not."""
    click.echo(cohort_folder(_cohort(name).name))


def _cohort(name: str) -> Cohort:
    if name not in COHORTS:
        raise UnknownNameError("open cohort", name, COHORTS)
    return COHORTS[name]


def _card(cohort: Cohort) -> TaskCard:
    card = task_registry().get(cohort.name).card
    assert card is not None  # get() gives only what could be read
    return card


def _show(cohort: Cohort) -> None:
    card = _card(cohort)
    size = expected_size(cohort) if cohort.files else None
    rows = [
        ("cohort", f"{card.title} ({cohort.name})"),
        ("what", card.description),
        ("origin", card.origin),
        ("licence", card.licence),
        ("cite", card.citation),
        ("size", cohort.size if size is None else f"{size:,} bytes to fetch"),
        ("into", str(cohort_folder(cohort.name))),
        *(("beware", caveat) for caveat in card.caveats),
    ]
    console().print(facts(rows))


def _ask() -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask; give --yes to agree to licence and size")
    click.confirm("Fetch it under this licence?", abort=True)


@contextmanager
def _bars() -> Iterator[Callable[[str], Callable[[int, int | None], None]]]:
    """One progress bar a file, on standard error, and none where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    out = Console(stderr=True)
    with Progress(*columns, console=out, disable=not out.is_terminal) as progress:

        def bar(name: str) -> Callable[[int, int | None], None]:
            task: TaskID = progress.add_task(name, total=None)
            return lambda there, total: progress.update(task, completed=there, total=total)

        yield bar
