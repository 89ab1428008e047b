"""What isolation, scheduling and storing cost a job, beside a fresh interpreter and beside the direct call.

Run it with ``python -m fusebench.benchmarks.speed.overhead``; it takes about a minute.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import click

from fusebench.benchmarks.engine import Ended, Event
from fusebench.benchmarks.forkserver import ALWAYS
from fusebench.benchmarks.local import LocalEngine
from fusebench.benchmarks.plan import make_plan
from fusebench.benchmarks.runner import Prepared, Settings, carry_out, prepare
from fusebench.benchmarks.speed.compare import timed
from fusebench.benchmarks.store import ResultStore
from fusebench.benchmarks.suite import MethodSpec, Suite, TaskSpec
from fusebench.benchmarks.worker import Ticket, execute
from fusebench.datasets.exchange import save_task
from fusebench.methods.registry import method_registry, missing_packages

_FRESH = """
import sys, importlib, contextlib
for name in sys.argv[2:]:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
from fusebench.benchmarks.worker import Ticket, execute
from pathlib import Path
execute(Ticket.from_json(Path(sys.argv[1]).read_text()))
"""


@click.command(
    epilog="""\b
Example:
  python -m fusebench.benchmarks.speed.overhead --jobs 100
"""
)
@click.option("--jobs", default=300, show_default=True, help="Trivial jobs to run, one after another.")
@click.option("--fresh", default=5, show_default=True, help="Fresh interpreters to start.")
def main(jobs: int, fresh: int) -> None:
    """Measure the cost of isolating a job and print it beside its alternatives."""
    packages = everything()
    with tempfile.TemporaryDirectory() as folder:
        isolated, ticket = isolated_seconds(Path(folder), jobs, packages)
        direct = [timed(lambda: execute(ticket)) for _ in range(50)]
        ticket_file = Path(folder) / "ticket"
        ticket_file.write_text(ticket.to_json())
        line = [sys.executable, "-c", _FRESH, str(ticket_file), *packages]
        anew = [timed(lambda: subprocess.run(line, check=True)) for _ in range(fresh)]
    own, call, new = median(isolated), median(direct), median(anew)
    click.echo(f"direct call in one process        {call * 1e3:8.1f} ms a job (median of {len(direct)})")
    click.echo(f"forked, limited and stored        {own * 1e3:8.1f} ms a job (median of {len(isolated)})")
    click.echo(f"fresh interpreter, same packages  {new * 1e3:8.1f} ms a job (median of {len(anew)})")
    click.echo(f"isolation, scheduling and storing {(own - call) * 1e3:8.1f} ms a job")
    click.echo(f"cheaper than fresh interpreters   {(new - call) / (own - call):8.1f} times")


def everything() -> list[str]:
    """All modules that a full run preloads."""
    registry = method_registry()
    cards = [found.card for name in registry.names() if (found := registry.get(name)).card is not None]
    return sorted({*ALWAYS, *(name for card in cards if card and not missing_packages(card) for name in card.requires)})


def isolated_seconds(folder: Path, jobs: int, packages: Sequence[str]) -> tuple[list[float], Ticket]:
    """Seconds from one stored outcome to the next with a single worker, and a ticket of such a job."""
    suite = Suite(
        "overhead",
        tasks=(TaskSpec("add", {"n": 60}),),
        methods=(MethodSpec("prior"),),
        folds=5,
        repeats=-(-jobs // 5),
        inner_folds=2,
    )
    moments: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, Ended):
            moments.append(time.perf_counter())

    with ResultStore(folder / "out", write=True) as store:
        prepared = prepare(store, make_plan(suite), Settings(folder / "out"))
        ticket = first_ticket(prepared, folder)
        carry_out(store, prepared, engine=LocalEngine(workers=1, preload=packages), watch=watch)
    return [after - before for before, after in pairwise(moments)], ticket


def first_ticket(prepared: Prepared, folder: Path) -> Ticket:
    """The first job of the run, with its task in a folder that outlives the run."""
    planned = prepared.plan.tasks[0]
    split = planned.splits[0]
    ticket = Ticket(prepared.pending[0], save_task(planned.task, folder / "task"), split.train, split.test)
    return replace(ticket, folder=ticket.folder.resolve())


if __name__ == "__main__":
    main()
