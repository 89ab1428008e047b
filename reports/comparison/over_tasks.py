"""Every ranked method against the best one over tasks: signed ranks, practical equivalence, wins and losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluation import Evaluation
from ..figures.critical_difference import MOST, critical_difference_figure
from ..figures.style import Picture
from ..metrics.registry import METRICS
from ..part import Part
from ..statistics.friedman import Friedman, friedman, holm, least_p, wilcoxon_p
from ..statistics.intervals import Estimate, corrected_t, losses, ranks
from ..statistics.signed_rank import signed_rank
from ..table import Cell, Column, Row, Table
from .rope import rope

Floats = npt.NDArray[np.float64]
ENOUGH = 6


@dataclass(frozen=True)
class Ranked:
    """The methods complete on every task, best mean rank first: ``values`` (T, M) scores and ``ranks`` (T, M)."""

    methods: tuple[str, ...]
    values: Floats
    ranks: Floats
    friedman: Friedman


@dataclass(frozen=True)
class Overall:
    """One method against the best ranked; ``gain`` below zero is worse. ``won``, ``tied``, ``lost``: tasks."""

    method: str
    rank: float
    gain: Estimate
    p: float
    holm: float
    worse: float
    same: float
    better: float
    won: int
    tied: int
    lost: int


def ranked(evaluation: Evaluation, primary: str) -> Ranked | None:
    """The methods that can be ranked, guesses among them; None with fewer than two of them or fewer than two tasks."""
    points, complete = evaluation.across(lambda task: task.score(primary))
    kept = [m for m in range(points.shape[1]) if complete[:, m].all() and np.isfinite(points[:, m]).all()]
    if len(kept) < 2 or len(points) < 2:
        return None
    own = ranks(points[:, kept], METRICS[primary].direction)
    order = np.argsort(own.mean(axis=0), kind="stable")
    names = tuple(evaluation.methods[kept[place]] for place in order)
    values = points[:, kept][:, order]
    return Ranked(names, values, own[:, order], friedman(losses(values, METRICS[primary].direction)))


def against_first(evaluation: Evaluation, found: Ranked, primary: str) -> tuple[Overall, ...]:
    """Every method but the first against the first."""
    loss = losses(found.values, METRICS[primary].direction)
    gaps = loss[:, [0]] - loss[:, 1:]
    ps = np.array([wilcoxon_p(column) for column in gaps.T])
    adjusted = holm(ps)
    told = []
    for place, name in enumerate(found.methods[1:]):
        won, tied, lost = _by_task(evaluation, name, found.methods[0], primary)
        told.append(
            Overall(
                name,
                float(found.ranks[:, place + 1].mean()),
                corrected_t(gaps[:, place], 0.0),
                float(ps[place]),
                float(adjusted[place]),
                *signed_rank(gaps[:, place], rope(primary)),
                won,
                tied,
                lost,
            )
        )
    return tuple(told)


def _by_task(evaluation: Evaluation, name: str, first: str, primary: str) -> tuple[int, int, int]:
    """Tasks on which the paired interval says better, nothing, and worse."""
    counts = [0, 0, 0]
    for task in evaluation.tasks.values():
        scores = task.score(primary)
        gap = scores.difference(name, first)
        good = gap.value > 0 if scores.direction == "higher" else gap.value < 0
        counts[1 if not gap.excludes(0.0) else 0 if good else 2] += 1
    return counts[0], counts[1], counts[2]


def order_parts(evaluation: Evaluation, primary: str) -> Iterator[Part]:
    """The section on how sure the order over tasks is, with the critical-difference diagram."""
    found = ranked(evaluation, primary)
    if found is None:
        return
    others = against_first(evaluation, found, primary)
    drawn = critical_difference_figure(evaluation, found.methods, found.ranks, METRICS[primary].title)
    pictures: tuple[Picture, ...] = (drawn,)
    yield Part(
        "How sure is the order over tasks?",
        tuple(_text(evaluation, found, others, primary)),
        (_table(evaluation, found, others, primary),),
        pictures,
    )


def _text(evaluation: Evaluation, found: Ranked, others: Sequence[Overall], primary: str) -> Iterator[str]:
    tasks = len(found.values)
    first = evaluation.info(found.methods[0]).title or found.methods[0]
    yield (
        f"Each of the {len(others)} other methods that are complete on all {tasks} tasks against the one with the best "
        f"mean rank, {first}, which was picked for it. P values of Wilcoxon's signed-rank test are corrected after "
        f"Holm for this family of {len(others)} tests. The Bayesian signed-rank test (Benavoli et al. 2017) tells how "
        f"probable a method is worse, practically the same (within {rope(primary):g}) or better on a further task."
    )
    test = found.friedman
    if np.isfinite(test.chi2):
        yield (
            f"Friedman's test that all {len(found.methods)} methods are alike: chi-squared {test.chi2:.2f}, p "
            f"{_p(test.p_chi2)}; F of Iman and Davenport {test.f:.2f}, p {_p(test.p_f)}."
        )
    least = least_p(tasks)
    if least * len(others) > 0.05:
        those = "any" if least > 0.05 else "most"
        yield (
            f"With {tasks} tasks the smallest p of a signed-rank test is {least:.3g}, before any correction: "
            f"it cannot tell {those} methods apart, whatever the truth. More tasks would be needed."
        )
    if len(found.methods) > MOST:
        yield f"The diagram shows the {MOST} best of {len(found.methods)} methods."


def _p(value: float) -> str:
    return "under 0.001" if value < 0.001 else f"{value:.3f}"


def _table(evaluation: Evaluation, found: Ranked, others: Sequence[Overall], primary: str) -> Table:
    title = METRICS[primary].title
    group = f"{title} less the first"
    columns = (
        Column("rank", "Mean rank", "Rank", "rank", "lower", paper=True),
        Column("gain", "Mean over tasks", group, paper=True, description="Paired t interval over tasks."),
        Column("p", "p", group, "p"),
        Column("holm", "p (Holm)", group, "p", paper=True),
        Column("worse", "Worse", "Probability of being", paper=True),
        Column("same", "Practically the same", "Probability of being", paper=True),
        Column("better", "Better", "Probability of being", paper=True),
        Column("tasks", "Won / tied / lost", "Tasks", "text", paper=True),
    )
    first = evaluation.info(found.methods[0])
    blank = Cell()
    head = (Cell(Estimate(float(found.ranks[:, 0].mean()))), *(blank,) * 6, Cell(text="the first"))
    rows = [Row(found.methods[0], first.title or found.methods[0], first.family, first.role, head)]
    for own in others:
        info = evaluation.info(own.method)
        cells = (
            Cell(Estimate(own.rank)),
            Cell(own.gain),
            *(Cell(Estimate(value)) for value in (own.p, own.holm, own.worse, own.same, own.better)),
            Cell(text=f"{own.won} / {own.tied} / {own.lost}"),
        )
        rows.append(Row(own.method, info.title or own.method, info.family, info.role, cells))
    return Table(
        "order",
        f"Against {first.title or found.methods[0]} over {len(found.values)} tasks",
        columns,
        tuple(rows),
        legend=f"Below zero: worse. Won, tied, lost: tasks by their 95 % intervals. A family of {len(others)} tests.",
    )
