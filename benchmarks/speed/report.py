"""What a report of many outcomes takes: seconds and memory of `fusebench report` on a made-up store.

Run it with ``python -m fusebench.benchmarks.speed.report``; the store holds 100 methods on 20 tasks in 10 splits.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from fusebench.benchmarks.job import Budget, Job
from fusebench.benchmarks.outcome import Outcome, Status
from fusebench.benchmarks.records import task_info
from fusebench.benchmarks.speed.tree import peak_of
from fusebench.benchmarks.store import ResultStore
from fusebench.datasets.card import TaskCard
from fusebench.datasets.samples import Modality, Samples
from fusebench.datasets.splits import CrossValidation
from fusebench.datasets.task import Task

FAMILIES = ("kernel", "graphical", "boosting", "neural", "ensemble", "baseline")
FUSIONS = ("early", "intermediate", "late", "hybrid", "none")
FOLDS = 5


def made_task(number: int, rows: int) -> Task:
    """A task of two modalities with two to six classes; its features are noise, since nothing is fitted."""
    rng = np.random.default_rng(number)
    classes = 2 + number % 5 if number % 3 else 2
    modalities = [Modality(name, "table", rng.normal(size=(rows, 3))) for name in ("first", "second")]
    card = TaskCard(f"task-{number:02d}", f"Task {number}")
    return Task(Samples(modalities), np.arange(rows) % classes, tuple(f"c{k}" for k in range(classes)), card)


def outcomes(task: Task, method: int, repeats: int) -> Iterator[tuple[Job, Outcome]]:
    """Probabilities of planted skill for every split, now and then a failure."""
    rng = np.random.default_rng([method, len(task.classes), *task.name.encode()])
    truth = np.eye(len(task.classes))[task.y]
    logits = (0.5 + 2.0 * (method % 17) / 17) * truth + rng.normal(size=truth.shape)
    proba = np.exp(logits * (0.6 + method % 5 / 3))
    proba /= proba.sum(axis=1, keepdims=True)
    for split in task.splits(0, FOLDS, repeats):
        job = Job(
            task=task.name,
            fingerprint=task.fingerprint,
            method=f"method-{method:03d}",
            label=f"method-{method:03d}",
            params="{}",
            modalities=(),
            folds=FOLDS,
            repeat=split.repeat,
            fold=split.fold,
            seed=0,
            budget=Budget(4),
            source=str(method),
        )
        if method % 25 == 24 and split.fold == 2:
            yield job, Outcome(job.key, Status.FAILED, phase="fit", reason="ValueError: made to fail")
            continue
        seconds = float(np.exp(method % 11 - 5)) * float(rng.lognormal(0, 0.1))
        cost = {"tune_wall": 4 * seconds, "tune_cpu": 4 * seconds, "fit_wall": seconds, "fit_cpu": seconds}
        cost |= {"predict_wall": seconds / 50, "latency_one": seconds / 1e3, "peak_memory": 1e6 * (1 + method)}
        yield job, Outcome(job.key, Status.OK, proba=proba[split.test], val_proba=proba[split.train], cost=cost)


def fill(store: ResultStore, methods: int, tasks: int, repeats: int, rows: int) -> int:
    """Put everything into the store; gives the number of outcomes."""
    jobs, count = [], 0
    for number in range(tasks):
        task = made_task(number, rows)
        store.add_task(task, task_info(task, CrossValidation(FOLDS, repeats)))
        store.add_splits(task.fingerprint, 0, FOLDS, task.splits(0, FOLDS, repeats))
        pairs = [pair for method in range(methods) for pair in outcomes(task, method, repeats)]
        store.put_all(outcome for _, outcome in pairs)
        jobs += [job for job, _ in pairs]
        count += len(pairs)
    for method in range(methods):
        label = f"method-{method:03d}"
        info = {"name": label, "title": label, "family": FAMILIES[method % 6], "fusion": FUSIONS[method % 5]}
        store.add_method(label, str(method), {**info, "role": "floor" if method < 3 else "method"})
    store.begin_run({"suite": "made up"}, jobs)
    return count


@click.command(
    epilog="""\b
Example:
  python -m fusebench.benchmarks.speed.report --methods 45 --tasks 5 --repeats 1
"""
)
@click.option("--methods", default=100, show_default=True)
@click.option("--tasks", default=20, show_default=True)
@click.option("--repeats", default=2, show_default=True, help="Of five folds.")
@click.option("--rows", default=300, show_default=True, help="Of a task.")
@click.option("--keep", type=click.Path(path_type=Path), help="Leave store and report in this folder.")
def main(methods: int, tasks: int, repeats: int, rows: int, keep: Path | None) -> None:
    """Make a store, report it in a process of its own, and print what that took."""
    with tempfile.TemporaryDirectory() as folder:
        out = keep or Path(folder)
        if not (out / "results.sqlite").exists():
            with ResultStore(out, write=True) as store:
                count = fill(store, methods, tasks, repeats, rows)
            click.echo(
                f"{count:,} outcomes: {methods} methods, {tasks} tasks, {FOLDS * repeats} splits, {rows} rows a task"
            )
        seconds, peak = report(out)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        page = (out / "report" / "report.html").stat().st_size
        click.echo(f"fusebench report: {seconds:.1f} s, of which {used.ru_utime + used.ru_stime:.1f} s of processors")
        click.echo(f"all processes together: {peak / 2**20:,.0f} MiB; page: {page / 1e6:.1f} MB")


def report(out: Path) -> tuple[float, int]:
    """Report the store of a folder in processes of their own: wall seconds, and the most bytes they held together."""
    command = [sys.executable, "-m", "fusebench.benchmarks", "report", "--out", str(out), "--quiet", "--no-pdf"]
    began = time.perf_counter()
    peak = peak_of(command)
    return time.perf_counter() - began, peak


if __name__ == "__main__":
    main()
