"""Runs one job: import, skip, warm up (untimed), tune, fit, predict; whatever happens becomes an outcome.

The fairness contract: the warm-up may import and compile but never sees data; tuning, the final fit and the prediction
of all test rows are timed apart; latency is measured after them on the fitted model; then, outside the method's cost,
its predictions are explained; scoring happens elsewhere, from the stored probabilities.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fusebench.datasets.exchange import open_task
from fusebench.datasets.plugins import holds_plugin
from fusebench.datasets.samples import Samples
from fusebench.datasets.task import Task
from fusebench.methods.base import Method, build
from fusebench.methods.registry import cure, method_registry
from fusebench.methods.structure import Structure

from .cost import Meter
from .explain import explain
from .hardware import describe_hardware, versions
from .job import Job
from .out_of_fold import check_proba, full_width
from .outcome import Outcome, Status
from .training_rows import predict_training_rows
from .tuning import Tuned, tune

Rows = npt.NDArray[np.intp]
_REASON = 500
# A graph beyond this would weigh as much in the store as the predictions, and no drawing shows so many.
_MOST_NODES, _MOST_EDGES = 400, 4000


@dataclass(frozen=True)
class Ticket:
    """A job with all that a process needs to run it: where the task lies, the split, and the plugin files to know."""

    job: Job
    folder: Path
    train: Rows
    test: Rows
    plugins: tuple[str, ...] = ()
    device: str = "cpu"
    threads: int = 1

    def to_json(self) -> str:
        """The ticket as JSON text."""
        return json.dumps(
            {
                "job": self.job.to_dict(),
                "folder": str(self.folder),
                "train": self.train.tolist(),
                "test": self.test.tolist(),
                "plugins": self.plugins,
                "device": self.device,
                "threads": self.threads,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Ticket:
        """The ticket that ``to_json`` wrote."""
        data = json.loads(text)
        return cls(
            Job.from_dict(data["job"]),
            Path(data["folder"]),
            np.array(data["train"], dtype=np.intp),
            np.array(data["test"], dtype=np.intp),
            tuple(data["plugins"]),
            data["device"],
            data["threads"],
        )


def outcome_of(ticket: Ticket, status: Status, **told: Any) -> Outcome:
    """An outcome with what is known of it before the job has run: key, seed, device, threads, machine, versions."""
    return Outcome(
        key=ticket.job.key,
        status=status,
        seed=ticket.job.derived_seed,
        device=ticket.device,
        threads=ticket.threads,
        hardware=describe_hardware(),
        versions=versions(),
        **told,
    )


class _EndedError(Exception):
    """Leaves the phases early with a status that is not a failure of the code."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def prepare() -> None:
    """What every job asks for and none changes: done once before children are forked."""
    describe_hardware()
    versions()
    method_registry().names()


class _Phases:
    """Which phase the job is in; told onwards, so that a process that is killed has said where it was."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self.enter("import")

    def enter(self, name: str) -> None:
        self.name = name
        self._tell(name)


def execute(
    ticket: Ticket,
    tell_phase: Callable[[str], object] = str,
    keep: Callable[[Outcome], object] = bool,
) -> Outcome:
    """Run the job of a ticket in this process, without limits; never raises what the method raises.

    ``tell_phase`` is called with the name of each phase as it begins. ``keep`` is called with an outcome that lacks
    nothing but its explanation: whatever happens to the process while it explains, the outcome stands.
    """
    began = time.perf_counter()
    outcome = outcome_of(ticket, Status.OK)
    meter = Meter()
    phases = _Phases(tell_phase)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # a hundred repeats of a warning tell nobody anything; failures are raised
            fitted = _run(ticket, outcome, meter, phases)
            if not ticket.job.modalities and ticket.job.fraction == 1:
                _explain(fitted, outcome, meter, phases, lambda: keep(_as_it_stands(outcome, meter, began)))
    except _EndedError as end:
        outcome.status, outcome.reason, outcome.phase = end.status, str(end), phases.name
    except MemoryError as error:
        outcome.status, outcome.reason, outcome.phase = Status.OUT_OF_MEMORY, _line(error), phases.name
    except Exception as error:
        status = Status.OUT_OF_MEMORY if _looks_like_memory(error) else Status.FAILED
        outcome.status, outcome.reason, outcome.phase = status, _line(error), phases.name
        outcome.log = _trace(error)
    return _as_it_stands(outcome, meter, began)


def _as_it_stands(outcome: Outcome, meter: Meter, began: float) -> Outcome:
    """The outcome with what it has cost up to now; the peak of a job that came to its end is that of its phases."""
    if outcome.proba is None:
        meter.peak()
    outcome.cost = meter.cost
    outcome.elapsed = time.perf_counter() - began
    return outcome


@dataclass(frozen=True)
class _Fitted:
    """A fitted method, and the test rows that it has predicted: their classes, and their positions in the task."""

    method: Method
    samples: Samples
    y: npt.NDArray[np.int64]
    rows: Rows


def _run(ticket: Ticket, outcome: Outcome, meter: Meter, phases: _Phases) -> _Fitted:
    job = ticket.job
    cls = _method(ticket)
    task = open_task(ticket.folder)
    if job.modalities:
        task = task.select(job.modalities)
    phases.enter("skip")
    fixed = _fixed(cls, job)
    reason = cls.skip_with(task, fixed)
    if reason is not None:
        raise _EndedError(Status.SKIPPED, reason)
    phases.enter("warm_up")
    cls.warm_up_with(fixed)
    train, y = task.samples[ticket.train], task.y[ticket.train]
    test = task.samples[ticket.test]
    n_classes = len(task.classes)
    phases.enter("tune")
    with meter.phase("tune"):
        tuned = tune(cls, fixed, train, y, n_classes, job.budget, job.derived_seed, ticket.device)
    meter.charge("tune", *tuned.spared)
    phases.enter("fit")
    method = build(cls, tuned.params, job.derived_seed, ticket.device)
    meter.forget_peak()
    with meter.phase("fit"):
        method.fit(train, y)
    phases.enter("predict")
    with meter.phase("predict"):
        proba = method.predict_proba(test)
    outcome.proba = full_width(method, check_proba(method, proba, len(ticket.test)), n_classes)
    meter.peak()
    meter.latency(method, test)
    _describe(outcome, method, tuned, meter, task)
    phases.enter("predict training rows")
    try:
        rows, told = predict_training_rows(method, train, n_classes, job.derived_seed)
        outcome.train_rows, outcome.train_proba = rows, told
    except Exception as error:  # a note, since nothing that was asked of the method has failed
        outcome.notes.append(f"its training rows were not predicted: {_line(error)}")
    return _Fitted(method, test, task.y[ticket.test], ticket.test)


def _explain(fitted: _Fitted, outcome: Outcome, meter: Meter, phases: _Phases, keep: Callable[[], object]) -> None:
    """Say what the predictions rest on, once they are safe."""
    phases.enter("explain")
    cut_short = "its predictions were not explained: that was cut short by a limit or a crash"
    outcome.notes.append(cut_short)
    keep()
    outcome.notes.remove(cut_short)
    one, thousand = meter.cost["latency_one"], meter.cost["latency_thousand"]
    with meter.phase("explain"):
        outcome.explanation = explain(
            fitted.method, fitted.samples, fitted.y, fitted.rows, lambda rows: max(one, thousand * rows / 1000)
        )


def _method(ticket: Ticket) -> type[Method]:
    registry = method_registry()
    for path in ticket.plugins:
        if holds_plugin(registry, path):  # the others are tasks, which the driver has loaded
            registry.add_file(path)
    found = registry.get(ticket.job.method)
    try:
        cls = found.load()
    except ModuleNotFoundError as error:
        if found.card is not None and error.name is not None and error.name.split(".")[0] in found.card.requires:
            raise _EndedError(Status.NOT_INSTALLED, f"{error}; install with: {cure(found.card)}") from error
        raise
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise TypeError(f"{ticket.job.method} is not a subclass of fusebench.methods.Method")
    return cls


def _fixed(cls: type[Method], job: Job) -> dict[str, Any]:
    params = json.loads(job.params)
    unknown = sorted(set(params) - set(cls._get_param_names()))
    if unknown:
        raise ValueError(
            f"{job.method} has no setting {', '.join(unknown)}; it has {', '.join(cls._get_param_names())}"
        )
    return params


def _describe(outcome: Outcome, method: Method, tuned: Tuned, meter: Meter, task: Task) -> None:
    outcome.val_proba = tuned.val_proba
    outcome.params, outcome.trials, outcome.at_edge = tuned.params, tuned.trials, tuned.at_edge
    meter.cost.update(method.cost())
    weights = getattr(method, "modality_weights_", None)
    if weights is not None:
        outcome.modality_weights = {name: float(weights[name]) for name in task.samples.names if name in weights}
    outcome.notes = [*tuned.notes, *(str(note) for note in getattr(method, "notes_", ()))]
    structure = getattr(method, "structure_", None)
    if isinstance(structure, Structure):
        nodes, edges = len(structure.nodes), len(structure.edges)
        if nodes <= _MOST_NODES and edges <= _MOST_EDGES:
            outcome.structure = structure.record()
        else:
            outcome.notes.append(
                f"its graph was not kept, being too large ({nodes:,} variables, {edges:,} edges; "
                f"kept up to {_MOST_NODES:,} and {_MOST_EDGES:,})"
            )
    elif structure is not None:
        outcome.notes.append(f"its structure_ was not kept: a {type(structure).__name__} is not a Structure")


def _looks_like_memory(error: Exception) -> bool:
    text = f"{type(error).__name__}: {error}".lower()
    return any(
        sign in text for sign in ("can't allocate memory", "out of memory", "bad_alloc", "cannot allocate memory")
    )


def _line(error: BaseException) -> str:
    """The error in one line that fits a table."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:_REASON]


def _trace(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error))[-4000:]
