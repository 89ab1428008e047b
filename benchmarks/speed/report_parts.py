"""What each part of a report takes, on a store that is there: wall and CPU seconds, those of children included.

Run it with ``python -m fusebench.benchmarks.speed.report_parts FOLDER``; it writes the report into a folder of its own.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from fusebench.benchmarks.commands.report import evaluate
from fusebench.benchmarks.store import ResultStore
from fusebench.reports.content import Content
from fusebench.reports.evaluation import Evaluation
from fusebench.reports.write import draw_pictures, write_texts

Result = TypeVar("Result")


def part(title: str, call: Callable[[], Result]) -> Result:
    """Do it and print what it took."""
    began, used = time.perf_counter(), os.times()
    result = call()
    wall, now = time.perf_counter() - began, os.times()
    click.echo(f"{title:22}{wall:8.1f} s{sum(now[:4]) - sum(used[:4]):8.1f} s of processors")
    return result


def read(store: Path) -> Evaluation:
    """The results of a store."""
    with ResultStore(store) as open_store:
        return evaluate(open_store)


@click.command()
@click.argument("store", type=click.Path(exists=True, path_type=Path))
def main(store: Path) -> None:
    """Time the parts of the report of STORE."""
    with tempfile.TemporaryDirectory() as folder:
        content = Content(part("reading", lambda: read(store)))
        part("tasks", lambda: content.tasks)
        part("survey, findings", lambda: (content.survey, content.findings, content.pictures))
        part("checks", lambda: content.checked)
        part("claims, order", lambda: (content.abstract, content.parts))
        drawn = part(f"{len(content.all_pictures)} figures", lambda: draw_pictures(content, Path(folder)))
        part(f"{len(content.all_tables)} tables, pages", lambda: write_texts(content, drawn, Path(folder)))


if __name__ == "__main__":
    main()
