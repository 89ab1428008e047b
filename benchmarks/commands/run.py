"""`fusebench run`: run a suite, show how it goes, then the leaderboard and where the report lies."""

from __future__ import annotations

import shlex
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._options import out_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fusebench.benchmarks.runner import Prepared
    from fusebench.benchmarks.store import ResultStore

_EXAMPLES = """\b
Examples:
  fusebench run                                   the default suite (survey) and its report
  fusebench run smoke --out /tmp/smoke            every method once, quickly
  fusebench run --task heart.toml --repeats 5     your own data, described in a TOML
  fusebench run --plugin mine.py                  your own method beside all others
  fusebench run --method tan --method naive-bayes --task breast-cancer
  fusebench run --budget 20 --retry-failed        more tuning; failed jobs once more

A run that was stopped goes on where it ended when the same command is given again."""


@click.command("run", epilog=_EXAMPLES)
@click.argument("suite", default="survey")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="NAME|FILE",
    help="Only this task: a name, a TOML or a plugin. Repeatable.",
)
@click.option("--method", "methods", multiple=True, metavar="NAME", help="Only this method. Repeatable.")
@click.option(
    "--plugin", "plugins", multiple=True, type=click.Path(), help="A Python file with a method or task. Repeatable."
)
@out_option
@click.option("--jobs", type=click.IntRange(min=0), default=0, help="Jobs at a time.  [default: one for each core]")
@click.option("--budget", type=click.IntRange(min=1), help="Tuning trials, the same for every method.")
@click.option("--folds", type=click.IntRange(min=2), help="Folds of cross-validated tasks.")
@click.option("--repeats", type=click.IntRange(min=1), help="Repeats of the split, with other seeds.")
@click.option("--time-limit", metavar="TIME", help="Of one job, such as 90s or 10m.")
@click.option("--memory-limit", metavar="SIZE", help="Of one job, such as 500M or 4G.")
@click.option(
    "--device", type=click.Choice(["cpu", "cuda", "auto"]), default="cpu", show_default=True, help="Where networks run."
)
@click.option("--seed", type=click.IntRange(min=0), help="Master seed of splits and of everything random.")
@click.option("--retry-failed", is_flag=True, help="Run failed jobs once more.")
@click.option("--scheduler", metavar="ADDRESS", default="", help="Run on this Dask cluster (tcp://...) instead.")
@click.option("--no-report", is_flag=True, help="Neither leaderboard nor report at the end.")
def run_command(**options: Any) -> None:
    """Run a SUITE (a name or a TOML file) and write its report.

    Only what is missing in the results folder is run.
    """
    from rich.console import Console
    from rich.markup import escape

    from fusebench.benchmarks.hardware import cores
    from fusebench.benchmarks.plan import make_plan
    from fusebench.benchmarks.runner import Settings, choose, prepare
    from fusebench.benchmarks.store import ResultStore
    from fusebench.benchmarks.units import seconds, size_in_bytes
    from fusebench.methods.registry import method_registry

    console = Console(stderr=True)
    workers = min(options["jobs"] or cores(), cores())
    if options["jobs"] > cores():
        console.print(
            f"[yellow]note:[/] {options['jobs']} jobs at a time asked for, {cores()} cores: running {workers}"
        )
    suite = choose(
        options["suite"],
        tasks=_absolute(options["tasks"]),
        methods=options["methods"],
        plugins=options["plugins"],
        trials=options["budget"],
        folds=options["folds"],
        repeats=options["repeats"],
        seed=options["seed"],
        time_limit=None if options["time_limit"] is None else seconds(options["time_limit"]),
        memory_limit=None if options["memory_limit"] is None else size_in_bytes(options["memory_limit"]),
    )
    for name, broken in method_registry().broken().items():
        console.print(f"[yellow]broken method[/] {escape(name)} ({escape(str(broken.path))}): {escape(broken.broken)}")
    plugins = tuple(str(Path(p).resolve()) for p in options["plugins"])
    settings = Settings(
        options["out"], workers, options["device"], options["retry_failed"], plugins, options["scheduler"]
    )
    with console.status("loading tasks"):
        plan = make_plan(suite)
    with ResultStore(options["out"], write=True) as store:
        prepared = prepare(store, plan, settings, command=shlex.join(["fusebench", *sys.argv[1:]]))
        _announce(console, prepared, workers)
        finished = _carry_out(console, store, prepared, workers)
    _finish(console, options, prepared, finished)


def _absolute(tasks: tuple[str, ...]) -> list[str]:
    return [str(Path(t).resolve()) if t.endswith((".toml", ".py")) else t for t in tasks]


def _announce(console: Any, prepared: Prepared, workers: int) -> None:
    plan = prepared.plan
    console.print(
        f"[bold]{plan.suite.name}[/]: {len(plan.tasks)} tasks, {len(plan.methods)} methods, {len(plan.jobs)} jobs"
        + (f", {len(prepared.done)} of them done before" if prepared.done else "")
        + f"; {workers} at a time, {plan.suite.trials} tuning trials a job"
    )


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let a polite kill stop a run as cleanly as Ctrl-C does."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _carry_out(console: Any, store: ResultStore, prepared: Prepared, workers: int) -> bool:
    from fusebench.benchmarks.progress import RunProgress
    from fusebench.benchmarks.runner import carry_out

    progress = RunProgress(console, prepared.pending, len(prepared.done), workers)
    try:
        with _terminate_as_interrupt(), progress:
            carry_out(store, prepared, watch=progress)
    except KeyboardInterrupt:
        left = len(prepared.pending) - progress.ended
        console.print(
            f"[yellow]stopped[/]: {progress.ended} jobs kept, {left} left; the same command goes on from here"
        )
        return False
    return True


def _finish(console: Any, options: dict[str, Any], prepared: Prepared, finished: bool) -> None:
    from fusebench.benchmarks.records import failures
    from fusebench.benchmarks.store import ResultStore

    from .report import evaluate, show_leaderboard, write_page

    with ResultStore(options["out"]) as store:
        bad = failures(store, prepared.number)
        if finished and not options["no_report"]:
            evaluation = evaluate(store)
            show_leaderboard(evaluation)
            with console.status("writing the report"):
                page = write_page(evaluation, Path(options["out"]))
            console.print(f"report: [bold]{page}[/]")
    if bad:
        cure = f"`fusebench status --out {options['out']}` lists them, --retry-failed runs them again"
        console.print(f"[red]{len(bad)} jobs did not end well[/]; {cure}")
    if not finished:
        sys.exit(130)
