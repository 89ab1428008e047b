"""``fusebench validate``: what is understood of a task, mostly of your own data, before anything is fitted."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from fusebench.datasets.errors import DataError

from ._terminal import console, json_option, print_json


@click.command(
    "validate",
    epilog="""\b
Examples:
  fusebench validate my-task.toml
  fusebench validate my-task.toml --data /data/cohort
  fusebench validate my-task.toml --picture subjects.png
  fusebench validate my-task.toml --json
  fusebench validate brain-cohort --picture brains.png
""",
)
@click.argument("task", metavar="TASK.toml|NAME")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder of the data files; the TOML's own when omitted.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="Draw a few subjects of every class: images, middle slices of volumes, signals.",
)
@json_option
def validate_command(task: str, data: Path | None, picture: Path | None, as_json: bool) -> None:
    """Read the description of your own data, or load a task by its name, and show what was understood of it.

    The exit code is 2 when the data cannot be used; warnings leave it at 0.
    """
    from fusebench.datasets import load_task
    from fusebench.datasets.own import read_task
    from fusebench.datasets.validate import describe

    from ._task_page import print_task

    try:
        read = read_task(task, data) if data is not None or Path(task).exists() else load_task(task)
        report = describe(read)
        if picture is not None:
            from ._task_picture import write_picture

            write_picture(read, picture)
    except DataError as error:
        if not as_json:
            raise
        print_json({"valid": False, "error": str(error)})
        sys.exit(2)
    if as_json:
        print_json({"valid": True, **asdict(report)})
        return
    print_task(console(), report)
    if picture is not None:
        click.echo(f"\n{picture}: a few subjects of every class")
    count = len(report.warnings)
    click.secho(f"\n✓ can be used; {count} warning{'' if count == 1 else 's'}", fg="green")
