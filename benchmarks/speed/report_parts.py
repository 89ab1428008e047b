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

from fusebench.benchmarks.commands.report import evaluate, parts
from fusebench.benchmarks.store import ResultStore

Result = TypeVar("Result")


def shown(title: str, call: Callable[[], Result]) -> Result:
    """Do it and print what it took."""
    began, used = time.perf_counter(), os.times()
    result = call()
    wall, now = time.perf_counter() - began, os.times()
    click.echo(f"{title:22}{wall:8.1f} s{sum(now[:4]) - sum(used[:4]):8.1f} s of processors")
    return result


@click.command()
@click.argument("store", type=click.Path(exists=True, path_type=Path))
def main(store: Path) -> None:
    """Time the parts of the report of STORE."""
    with tempfile.TemporaryDirectory() as folder, ResultStore(store) as results:
        evaluation = shown("reading", lambda: evaluate(results))
        for title, call in parts(evaluation, Path(folder)):
            shown(title, call)


if __name__ == "__main__":
    main()
