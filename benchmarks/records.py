"""From the store to plain records: the frame of outcomes and the dictionaries that reports are made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusebench.datasets.splits import Protocol, part_of
from fusebench.datasets.subgroups import Subgroups
from fusebench.datasets.task import Task
from fusebench.datasets.validate import protocol_text
from fusebench.methods.card import MethodCard

from .job import Job
from .outcome import Outcome, Status
from .store import ResultStore
from .suite import MethodSpec
from .tuning import CRITERION

_COSTS = (
    "tune_wall", "tune_cpu", "fit_wall", "fit_cpu", "predict_wall", "predict_cpu",
    "latency_one", "latency_thousand", "peak_memory", "parameters", "flops", "explain_wall",
)  # fmt: skip


def read_records(store: ResultStore) -> dict[str, Any]:
    """``outcomes`` (DataFrame), ``tasks``, ``methods`` (dictionaries by name) and ``run``: what a report is made from.

    A task is reported under the protocol it was last run with (data, seed, folds, budget), and every cell by the
    outcome of the method's code that was last planned; what the store holds beside that is counted in
    ``run["set_aside"]``.
    """
    chosen, aside = _choose(store)
    kept = {fingerprint: store.task(fingerprint) for fingerprint in {job.fingerprint for job in chosen}}
    halves: dict[tuple[Any, ...], _Halves] = {}
    jobs = {job.key: job for job in chosen}
    found = {outcome.key: outcome for outcome in store.outcomes() if outcome.key in jobs}
    rows = [_row(job, found[job.key], kept[job.fingerprint], _halves(store, job, kept, halves)) for job in chosen]
    frame = pd.DataFrame(rows, columns=list(_row_columns()))
    runs = store.runs()
    fingerprints = {job.task: job.fingerprint for job in chosen}
    tasks = {name: _named(kept[own], store.subgroups(own)) for name, own in fingerprints.items()}
    methods = {job.label: store.method(job.label, job.source) for job in chosen}
    run = {**(runs[-1] if runs else {}), "created": runs[-1]["started"] if runs else "", "set_aside": aside}
    run["store"] = hashlib.sha256("".join(sorted(job.key for job in chosen)).encode()).hexdigest()[:16]
    return {"outcomes": frame, "tasks": tasks, "methods": methods, "run": run}


def _choose(store: ResultStore) -> tuple[list[Job], int]:
    statuses = store.statuses()
    planned = [(number, job) for number, job in store.planned() if job.key in statuses]
    planned.sort(key=lambda pair: pair[0])
    protocol = {job.task: _protocol(job) for _, job in planned}  # the last one wins
    cells = {
        (job.task, job.label, job.modalities, job.fraction, job.repeat, job.fold): job
        for _, job in planned
        if _protocol(job) == protocol[job.task]
    }
    return list(cells.values()), len(planned) - len(cells)


def _named(task: dict[str, Any], subgroups: Sequence[Subgroups]) -> dict[str, Any]:
    """What is kept of a task, with the names of its rows and the groups that they are in."""
    groups = tuple((one.name, one.labels, one.codes, one.shown) for one in subgroups)
    return {**task["info"], "ids": tuple(task["ids"].tolist()), "subgroups": groups}


def _protocol(job: Job) -> tuple[Any, ...]:
    return job.fingerprint, job.seed, job.folds, job.budget


def _row_columns() -> Iterable[str]:
    yield from (
        "key", "task", "method", "modalities", "full", "fraction", "repeat", "fold", "status", "phase", "reason",
        "n_train", "n_test", "rows", "groups", "y", "proba", "val_y", "val_proba", "train_y", "train_proba", "params",
        "n_trials", "budget", "inner_folds", "criterion", "at_edge",
    )  # fmt: skip
    yield from _COSTS
    yield from ("modality_weights", "structure", "explanation", "notes", "device", "threads", "hardware", "seed")


@dataclass(frozen=True)
class _Halves:
    """The rows of a split and what is known of them: one for all methods."""

    train: npt.NDArray[np.intp]
    test: npt.NDArray[np.intp]
    y_train: npt.NDArray[np.int64]
    y_test: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]


def _halves(
    store: ResultStore, job: Job, kept: Mapping[str, dict[str, Any]], known: dict[tuple[Any, ...], _Halves]
) -> _Halves:
    where = (job.fingerprint, job.seed, job.folds, job.repeat, job.fold, job.fraction)
    if where not in known:
        task = kept[job.fingerprint]
        train, test = store.split(job)
        train = part_of(task["y"], task["groups"], train, job.fraction, job.seed)
        known[where] = _Halves(train, test, task["y"][train], task["y"][test], task["groups"][test])
    return known[where]


def _row(job: Job, outcome: Outcome, task: dict[str, Any], split: _Halves) -> dict[str, Any]:
    names = tuple(name for name, _, _ in task["info"]["modalities"])
    return {
        "key": job.key, "task": job.task, "method": job.label,
        "modalities": job.modalities or names, "full": not job.modalities and job.fraction == 1,
        "fraction": job.fraction,
        "repeat": job.repeat, "fold": job.fold,
        "status": str(outcome.status), "phase": outcome.phase, "reason": outcome.reason,
        "n_train": len(split.train), "n_test": len(split.test), "rows": split.test, "groups": split.groups,
        "y": split.y_test,
        "proba": outcome.proba,
        "val_y": None if outcome.val_proba is None else split.y_train, "val_proba": outcome.val_proba,
        "train_y": None if outcome.train_rows is None else split.y_train[outcome.train_rows],
        "train_proba": outcome.train_proba,
        "params": outcome.params, "n_trials": len(outcome.trials), "budget": job.budget.trials,
        "inner_folds": job.budget.inner_folds, "criterion": CRITERION, "at_edge": tuple(outcome.at_edge),
        **{name: outcome.cost.get(name, np.nan) for name in _COSTS},
        "modality_weights": outcome.modality_weights, "structure": outcome.structure,
        "explanation": None if outcome.explanation is None else outcome.explanation.record(),
        "notes": tuple(outcome.notes),
        "device": outcome.device, "threads": outcome.threads, "hardware": outcome.hardware, "seed": outcome.seed,
    }  # fmt: skip


def task_info(task: Task, protocol: Protocol) -> dict[str, Any]:
    """What reports say of a task under the protocol that was run, as plain data."""
    card, samples = task.card, task.samples
    subjects = len(np.unique(samples.groups))
    told = protocol_text(protocol) + (", no subject on both sides" if subjects < len(task) else "")
    absent = sum(int((~m.present).sum()) for m in samples.modalities)
    holes = {
        m.name: int(np.isnan(m.values[m.present]).sum()) for m in samples.modalities if m.kind in ("table", "phenotype")
    }
    cells = sum(m.width * len(m) for m in samples.modalities)
    gone = sum(int((~m.present).sum()) * m.width for m in samples.modalities) + sum(holes.values())
    caveats = list(card.caveats)
    if absent:
        told = ", ".join(f"{m.name} in {int((~m.present).sum())}" for m in samples.modalities if not m.present.all())
        caveats.append(f"Absent modalities: {told} of {len(task)} rows.")
    return {
        "name": task.name, "title": card.title, "classes": list(task.classes),
        "class_counts": np.bincount(task.y, minlength=len(task.classes)).tolist(),
        "n": len(task), "n_subjects": subjects,
        "modalities": [[m.name, m.kind, m.width] for m in samples.modalities], "protocol": told,
        "description": card.description, "origin": card.origin, "licence": card.licence, "citation": card.citation,
        "disease": card.disease, "planted": card.planted, "bayes": dict(task.bayes),
        "published": [asdict(p) for p in card.published], "caveats": caveats,
        "missing": gone / cells if cells else 0.0, "fingerprint": task.fingerprint,
    }  # fmt: skip


def method_info(card: MethodCard, spec: MethodSpec) -> dict[str, Any]:
    """What reports say of a method under the settings of a suite, as plain data."""
    label = spec.label
    title = card.title if label == card.name else f"{card.title} [{label}]"
    return {
        "name": label, "title": title, "family": card.family, "fusion": card.fusion, "role": card.role,
        "summary": card.summary, "citation": card.citation, "inferred": card.inferred,
        "transductive": card.transductive, "claims": [asdict(c) for c in card.claims],
        "kinds": list(card.kinds), "method": card.name, "settings": dict(spec.params),
    }  # fmt: skip


def failures(store: ResultStore, run: int) -> list[tuple[Job, Outcome]]:
    """Jobs of a run that did not end well, with their outcomes."""
    statuses = store.statuses()
    bad = (Status.FAILED, Status.TIMEOUT, Status.OUT_OF_MEMORY)
    return [(job, store.outcome(job.key)) for _, job in store.planned(run) if statuses.get(job.key) in bad]
