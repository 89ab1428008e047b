"""Runs a suite: plan, leave out what is done, run the rest, keep every outcome the moment it is there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fusebench.datasets.exchange import save_task
from fusebench.datasets.splits import part_of
from fusebench.datasets.subgroups import subgroups_of
from fusebench.methods.registry import cure, missing_packages

from .cluster import DaskEngine
from .engine import Ended, Engine, Event, Limits
from .hardware import cores, describe_hardware, resolve_device, versions
from .job import Job
from .local import LocalEngine
from .outcome import Outcome, Status
from .plan import Plan, add_plugins, make_plan
from .records import method_info, task_info
from .store import ResultStore
from .suite import MethodSpec, Suite, TaskSpec, load_suite
from .worker import Ticket, outcome_of

OUT = "fusebench-results"
Watcher = Callable[[Event], None]


@dataclass(frozen=True)
class Settings:
    """How a run is carried out, as against what it compares; none of it changes a number.

    ``jobs`` children at a time (0: one for each core); ``device`` "cpu", "cuda" or "auto"; ``scheduler`` the address of
    a Dask cluster to run on instead of this machine.
    """

    out: str | Path = OUT
    jobs: int = 0
    device: str = "cpu"
    retry_failed: bool = False
    plugins: tuple[str, ...] = ()
    scheduler: str = ""


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to go: its plan, the outcomes already there, and what is left to do."""

    plan: Plan
    settings: Settings
    done: frozenset[str]
    pending: tuple[Job, ...]
    number: int


def choose(
    suite: str | Suite = "survey",
    *,
    tasks: Sequence[str] = (),
    methods: Sequence[str] = (),
    plugins: Sequence[str] = (),
    **changes: Any,
) -> Suite:
    """A suite with what the user asked for in place of what it says.

    Parameters
    ----------
    suite: name, TOML file or ``Suite``.
    tasks, methods: run only these; names that the suite does not hold are added to it.
    plugins: Python files whose tasks and methods join in, unless ``tasks`` or ``methods`` say which to run.
    changes: fields of ``Suite`` to set, such as ``folds``, ``trials``, ``seed``; None leaves the suite's own.
    """
    suite = load_suite(suite) if isinstance(suite, str) else suite
    plugin_methods, plugin_tasks = add_plugins(plugins)
    suite = replace(suite, **{k: v for k, v in changes.items() if v is not None})
    if tasks:
        by_name = {spec.name: spec for spec in suite.tasks}
        suite = replace(suite, tasks=tuple(by_name.get(name, TaskSpec(name)) for name in dict.fromkeys(tasks)))
    else:
        suite = replace(suite, tasks=(*suite.tasks, *map(TaskSpec, plugin_tasks)))
    if methods:
        by_label = {spec.label: spec for spec in suite.methods}
        suite = replace(suite, methods=tuple(by_label.get(name, MethodSpec(name)) for name in dict.fromkeys(methods)))
    elif suite.methods:  # no list means all methods, among them those of the plugins
        suite = replace(suite, methods=(*suite.methods, *map(MethodSpec, plugin_methods)))
    # Folds and repeats that are asked for win over what the suite or a task's own file says.
    asked = {key: changes[key] for key in ("folds", "repeats") if changes.get(key) is not None}
    return replace(suite, tasks=tuple(replace(spec, **asked) for spec in suite.tasks))


def run(
    suite: str | Suite = "survey",
    *,
    out: str | Path = OUT,
    tasks: Sequence[str] = (),
    methods: Sequence[str] = (),
    plugins: Sequence[str] = (),
    jobs: int = 0,
    device: str = "cpu",
    retry_failed: bool = False,
    scheduler: str = "",
    watch: Watcher | None = None,
    **changes: Any,
) -> ResultStore:
    """Run what is missing of a suite and give the store with all its outcomes, open for reading.

    Parameters
    ----------
    suite, tasks, methods, plugins, changes: what to compare; see ``choose``.
    out: folder of the results file.
    jobs, device, retry_failed, scheduler: see ``Settings``.
    watch: called with every event, for progress.

    Examples
    --------
    >>> from fusebench.benchmarks import run
    >>> store = run("smoke", out="results", trials=2)  # doctest: +SKIP

    Raises
    ------
    DataError, UnknownNameError: before anything is fitted, when something asked for does not exist or cannot be used.
    """
    files = tuple(str(Path(p).resolve()) for p in plugins)
    settings = Settings(out, jobs, device, retry_failed, files, scheduler)
    chosen = choose(suite, tasks=tasks, methods=methods, plugins=plugins, **changes)
    with ResultStore(out, write=True) as store:
        prepared = prepare(store, make_plan(chosen), settings)
        carry_out(store, prepared, watch=watch)
    return ResultStore(out)


def prepare(store: ResultStore, plan: Plan, settings: Settings, command: str = "") -> Prepared:
    """Note the plan in the store and find what is left to do."""
    done = frozenset(store.done(retry_failed=settings.retry_failed) & {job.key for job in plan.jobs})
    info = {
        "command": command,
        "suite": plan.suite.name,
        "seed": plan.suite.seed,
        "python": sys.version.split()[0],
        "version": versions()["fusebench"],
        "packages": versions(),
        "hardware": describe_hardware(),
        "device": settings.device,
        "time_limit": plan.suite.time_limit,
        "memory_limit": plan.suite.memory_limit,
    }
    for planned in plan.tasks:
        store.add_task(planned.task, task_info(planned.task, planned.protocol))
        store.add_subgroups(planned.task.fingerprint, subgroups_of(planned.task))
        store.add_splits(planned.task.fingerprint, plan.suite.seed, planned.folds, planned.splits)
    for method in plan.methods:
        store.add_method(method.spec.label, method.source, method_info(method.card, method.spec))
    number = store.begin_run(info, plan.jobs)
    return Prepared(plan, settings, done, tuple(job for job in plan.jobs if job.key not in done), number)


def carry_out(
    store: ResultStore, prepared: Prepared, *, engine: Engine | None = None, watch: Watcher | None = None
) -> None:
    """Run the pending jobs and keep each outcome as it comes; an interruption loses at most the jobs in flight."""
    watch = watch or (lambda event: None)
    work = store.path.parent / ".work"
    try:
        tickets = list(_tickets(prepared, work))
        runnable = []
        for ticket in tickets:
            absent = _not_installed(prepared.plan, ticket)
            if absent is None:
                runnable.append(ticket)
            else:
                store.put(absent)
                watch(Ended(ticket, absent))
        if not runnable:
            return
        events = (engine or make_engine(prepared)).run(runnable)
        try:
            for event in events:
                if isinstance(event, Ended):
                    store.put(event.outcome)
                watch(event)
        finally:
            events.close()  # type: ignore[attr-defined]  # an engine is a generator: closing it ends what still runs
    finally:
        shutil.rmtree(work, ignore_errors=True)


def make_engine(prepared: Prepared) -> Engine:
    """The engine that the settings of a prepared run ask for."""
    suite, settings = prepared.plan.suite, prepared.settings
    needed = {job.label for job in prepared.pending}
    methods = [m for m in prepared.plan.methods if m.spec.label in needed and not missing_packages(m.card)]
    preload = sorted({name for m in methods for name in m.card.requires})
    # Only the house's own modules: what others wrote is imported where it can do no harm but to its own job.
    preload += sorted({m.found.module for m in methods if m.found.module.startswith("fusebench.")})
    limits = Limits(suite.time_limit, suite.memory_limit)
    if settings.scheduler:
        return DaskEngine(settings.scheduler, limits=limits, preload=tuple(preload))
    return LocalEngine(workers=settings.jobs or cores(), limits=limits, preload=tuple(preload))


def _tickets(prepared: Prepared, work: Path) -> Iterable[Ticket]:
    settings = prepared.settings
    device = resolve_device(settings.device)
    folders: dict[str, Path] = {}
    splits = {}
    tasks = {planned.task.fingerprint: planned.task for planned in prepared.plan.tasks}
    for planned in prepared.plan.tasks:
        if any(job.fingerprint == planned.task.fingerprint for job in prepared.pending):
            folders[planned.task.fingerprint] = save_task(planned.task, work / planned.task.fingerprint[:16])
        splits.update({(planned.task.fingerprint, s.repeat, s.fold): s for s in planned.splits})
    for job in prepared.pending:
        split = splits[job.fingerprint, job.repeat, job.fold]
        task = tasks[job.fingerprint]
        train = part_of(task.y, task.samples.groups, split.train, job.fraction, job.seed)
        yield Ticket(job, folders[job.fingerprint].resolve(), train, split.test, settings.plugins, device)


def _not_installed(plan: Plan, ticket: Ticket) -> Outcome | None:
    method = next(m for m in plan.methods if m.spec.label == ticket.job.label)
    absent = missing_packages(method.card)
    if not absent:
        return None
    reason = f"needs {', '.join(absent)}, not installed; install with: {cure(method.card)}"
    return outcome_of(ticket, Status.NOT_INSTALLED, phase="import", reason=reason)
