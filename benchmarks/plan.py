"""From a suite to a list of jobs: everything is loaded and checked before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from fusebench.datasets.errors import DataError
from fusebench.datasets.plugins import Found, holds_plugin
from fusebench.datasets.registry import load_task, task_registry
from fusebench.datasets.splits import CrossValidation, OfficialSplit, Protocol, Split
from fusebench.datasets.task import Task
from fusebench.methods.card import MethodCard
from fusebench.methods.registry import method_registry, source_hash

from .job import Budget, Job, canonical
from .suite import MethodSpec, Suite, TaskSpec

_ALL_SUBSETS_UP_TO = 4


@dataclass(frozen=True)
class PlannedTask:
    """A loaded task with the protocol to run and its splits."""

    task: Task
    protocol: Protocol
    splits: tuple[Split, ...]

    @property
    def folds(self) -> int:
        """Folds of a cross-validation; 0 where the protocol fixes them."""
        return self.protocol.folds if isinstance(self.protocol, CrossValidation) else 0


@dataclass(frozen=True)
class PlannedMethod:
    """A method that was found, with its settings and the hash of its code."""

    spec: MethodSpec
    found: Found[MethodCard]
    card: MethodCard
    source: str


@dataclass(frozen=True)
class Plan:
    """Tasks, methods and jobs of one run."""

    suite: Suite
    tasks: tuple[PlannedTask, ...]
    methods: tuple[PlannedMethod, ...]
    jobs: tuple[Job, ...]


def add_plugins(paths: Iterable[str]) -> tuple[list[str], list[str]]:
    """Make the plugins of files known: names of methods, and names of tasks.

    Raises
    ------
    DataError: a file is missing, cannot be read, holds neither a method nor a task, or clashes with a known name.
    """
    methods: list[str] = []
    tasks: list[str] = []
    for path in paths:
        if holds_plugin(method_registry(), path):
            methods += [one.name for one in method_registry().add_file(path) if not one.broken]
        elif holds_plugin(task_registry(), path):
            tasks += [one.name for one in task_registry().add_file(path) if not one.broken]
        else:
            raise DataError(f"plugin {path}: {method_registry().read_file(path)[0].broken}")
    return methods, tasks


def make_plan(suite: Suite) -> Plan:
    """Load the tasks, find the methods, and list the jobs, all first folds first: an early report then has all methods.

    Raises
    ------
    UnknownNameError: a task or method that does not exist; the message suggests close names.
    DataError: data that cannot be used, two methods under one label, nothing to run.
    """
    methods = _methods(suite)
    tasks = tuple(_task(spec, suite) for spec in suite.tasks)
    if not tasks or not methods:
        raise DataError(f"suite {suite.name!r} has no {'methods' if tasks else 'tasks'}; nothing to run")
    seen: dict[str, str] = {}
    for planned in tasks:
        if planned.task.name in seen:
            raise DataError(f"two tasks are called {planned.task.name!r}; give each its own name")
        seen[planned.task.name] = planned.task.fingerprint
    jobs = sorted(_jobs(suite, tasks, methods), key=_first_things_first)
    return Plan(suite, tasks, methods, tuple(jobs))


def _first_things_first(job: Job) -> tuple[bool, int, int]:
    """Whole jobs before those on some modalities or some rows, and first folds first."""
    return (bool(job.modalities) or job.fraction < 1, job.repeat, job.fold)


def _methods(suite: Suite) -> tuple[PlannedMethod, ...]:
    registry = method_registry()
    specs: Sequence[MethodSpec] = suite.methods or [MethodSpec(name) for name in registry.names()]
    planned = []
    labels: set[str] = set()
    for spec in specs:
        found = registry.get(spec.name)
        assert found.card is not None  # get() refuses broken ones
        if spec.label in labels:
            raise DataError(f"two methods have the label {spec.label!r}; give one of them another label")
        labels.add(spec.label)
        planned.append(PlannedMethod(spec, found, found.card, source_hash(found, spec.params)))
    for name in (*suite.subset_methods, *suite.fraction_methods):
        if name not in labels and not any(m.spec.name == name for m in planned):
            registry.get(name)  # an unknown name is an error; one that is filtered out is not
    return tuple(planned)


def _task(spec: TaskSpec, suite: Suite) -> PlannedTask:
    task = load_task(spec.name, **spec.options)
    protocol = task.protocol
    if isinstance(protocol, CrossValidation):
        # What the user's own file says wins over a suite's general setting; a task's entry in the suite wins over both.
        own = spec.name.endswith(".toml")
        folds = spec.folds or (protocol.folds if own else suite.folds)
        repeats = spec.repeats or (protocol.repeats if own else suite.repeats)
        protocol = CrossValidation(folds, repeats)
        return PlannedTask(task, protocol, tuple(task.splits(suite.seed, folds, repeats)))
    if isinstance(protocol, OfficialSplit):
        protocol = replace(protocol, repeats=spec.repeats or max(suite.repeats, protocol.repeats))
        return PlannedTask(task, protocol, tuple(task.splits(suite.seed, repeats=protocol.repeats)))
    return PlannedTask(task, protocol, tuple(task.splits(suite.seed)))


def _jobs(suite: Suite, tasks: Sequence[PlannedTask], methods: Sequence[PlannedMethod]) -> Iterator[Job]:
    budget = Budget(suite.trials, suite.inner_folds)
    for planned in tasks:
        for method in methods:
            subsets: list[tuple[str, ...]] = [()]
            if method.spec.name in suite.subset_methods or method.spec.label in suite.subset_methods:
                subsets += modality_subsets(planned.task.samples.names)
            base = Job(
                task=planned.task.name,
                fingerprint=planned.task.fingerprint,
                method=method.spec.name,
                label=method.spec.label,
                params=canonical(dict(method.spec.params)),
                modalities=(),
                folds=planned.folds,
                repeat=0,
                fold=0,
                seed=suite.seed,
                budget=budget,
                source=method.source,
            )
            for modalities in subsets:
                for split in planned.splits:
                    yield replace(base, modalities=modalities, repeat=split.repeat, fold=split.fold)
            if _wanted(suite.fraction_methods, method.spec) and _wanted(suite.fraction_tasks, planned.task):
                for fraction in suite.fractions:
                    for split in planned.splits:
                        yield replace(base, fraction=fraction, repeat=split.repeat, fold=split.fold)


def _wanted(names: Sequence[str], what: MethodSpec | Task) -> bool:
    """Whether a list names it, by name or label; an empty list means all."""
    return not names or what.name in names or getattr(what, "label", "") in names


def modality_subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Proper subsets to run: all of them up to four modalities; beyond that single ones and all but one."""
    m = len(names)
    sizes = range(1, m) if m <= _ALL_SUBSETS_UP_TO else (1, m - 1)
    return [subset for size in sizes for subset in combinations(names, size)]
