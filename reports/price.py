"""What accuracy costs: the front from the cheapest method to the best, and the price of each step on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .evaluation import Evaluation, TaskEvaluation
from .figures.pareto import pareto_front
from .findings import Finding
from .metrics.registry import METRICS
from .part import Part
from .statistics.intervals import UNKNOWN, Estimate, losses
from .statistics.intervals import gain as gain_of
from .table import Cell, Column, Row, Table, number

POINT = 0.01

_HOW = (
    "From the cheapest method to the best, each step to the next one that no other beats in both seconds (of tuning "
    "and fitting a split) and score. The price of a point is what one more hundredth of the score costs there. Where "
    "the paired interval of a step holds zero, the gain may be nothing and the price without bound."
)


@dataclass(frozen=True)
class Step:
    """A method on the front. ``gain`` over the one before, better above zero; ``price``: seconds for a point of it."""

    method: str
    seconds: float
    gain: Estimate
    price: float


def steps(task: TaskEvaluation, primary: str) -> tuple[Step, ...]:
    """The front of complete methods that look at the features, cheapest first."""
    scores = task.score(primary)
    seconds = np.nan_to_num(task.cost("tune_wall").points) + task.cost("fit_wall").points
    able = [
        m
        for m, name in enumerate(scores.methods)
        if scores.complete[m] and np.isfinite(scores.points[m] + seconds[m]) and name not in task.constant
    ]
    if not able:
        return ()
    loss = losses(scores.points[able], scores.direction)
    front = [able[place] for place in np.flatnonzero(pareto_front(seconds[able], loss))]
    front.sort(key=lambda m: float(seconds[m]))
    found: list[Step] = []
    for m in front:
        name = scores.methods[m]
        gain, price = UNKNOWN, float("nan")
        if found:
            gain = gain_of(scores.difference(name, found[-1].method), scores.direction)
            price = (seconds[m] - found[-1].seconds) / (gain.value / POINT) if gain.value > 0 else float("nan")
        found.append(Step(name, float(seconds[m]), gain, float(price)))
    return tuple(found)


def price_parts(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> Iterator[Part]:
    """The section: the front with its prices, and energy where a power is given."""
    found = steps(task, primary)
    tables = [_front_table(evaluation, task, found, primary)] if len(found) > 1 else []
    text = [_HOW] if tables else []
    watts = evaluation.options.watts
    if watts and len(task.ok):
        text.append(
            f"Energy is modelled, not measured: processor seconds of tuning and fitting times {watts:g} W for a busy "
            "core. It leaves out memory, idle power, cooling and accelerators."
        )
        tables.append(_energy_table(evaluation, task, watts))
    said = _finding(evaluation, found, primary)
    yield Part("What does one more point cost?", tuple(text), tuple(tables), (), (said,) if said else ())


def _front_table(evaluation: Evaluation, task: TaskEvaluation, found: tuple[Step, ...], primary: str) -> Table:
    title = METRICS[primary].title
    scores = task.score(primary)
    columns = (
        Column("score", title, "Front", direction=scores.direction, paper=True),
        Column("seconds", "Seconds", "Front", "seconds", "lower", paper=True),
        Column("gain", "Gain over the line above", "Step", paper=True, description="Better above zero; paired."),
        Column("price", "Seconds a point", "Step", "seconds", paper=True, description="For one more hundredth."),
        Column("told", "Believed", "Step", "text", paper=True),
    )
    rows = []
    for step in found:
        info = evaluation.info(step.method)
        sure = "yes" if step.gain.excludes(0.0) else "no: may be nothing" if step.gain.known else ""
        cells = (
            Cell(scores.estimate(step.method)),
            Cell(Estimate(step.seconds)),
            Cell(step.gain),
            Cell(Estimate(step.price)),
            Cell(text=sure),
        )
        rows.append(Row(step.method, info.title or step.method, info.family, "method", cells))
    return Table(
        f"{task.info.name}-price",
        f"What {title.lower()} costs on {task.info.title or task.info.name}",
        columns,
        tuple(rows),
        legend="Methods that no other beats in both score and seconds of tuning and fitting, cheapest first.",
    )


def _energy_table(evaluation: Evaluation, task: TaskEvaluation, watts: float) -> Table:
    seconds = np.nan_to_num(task.cost("tune_cpu").points) + task.cost("fit_cpu").points
    order = [m for m in np.argsort(seconds, kind="stable") if np.isfinite(seconds[m])]
    columns = (
        Column("cpu", "CPU seconds", "Tune and fit", "seconds", "lower", paper=True),
        Column("energy", "Energy (Wh)", "Tune and fit", "seconds", "lower", paper=True, description="By the model."),
    )
    rows = []
    for m in order:
        name = task.methods[m]
        info = evaluation.info(name)
        cells = (Cell(Estimate(float(seconds[m]))), Cell(Estimate(float(seconds[m]) * watts / 3600)))
        rows.append(Row(name, info.title or name, info.family, info.role, cells))
    return Table(
        f"{task.info.name}-energy",
        f"Energy by a model of {watts:g} W a busy core on {task.info.title or task.info.name}",
        columns,
        tuple(rows),
    )


def _finding(evaluation: Evaluation, found: tuple[Step, ...], primary: str) -> Finding | None:
    """The last step whose gain is believed: what it costs."""
    sure = [(before, step) for before, step in itertools.pairwise(found) if step.gain.excludes(0.0)]
    if not sure:
        return None
    before, step = sure[-1]
    names = [evaluation.info(name).title or name for name in (before.method, step.method)]
    unit = METRICS[primary].title.lower()
    return Finding(
        "price",
        (
            (names[1], True),
            (f" buys {step.gain.value:.3f} of {unit} over ", False),
            (names[0], True),
            (f" at {number(step.price, 'seconds')} s a hundredth.", False),
        ),
    )
