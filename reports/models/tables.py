"""Tables of what the fitted models tell: what modalities add, their weights, what they score alone, learnt graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..evaluation import Evaluation, TaskEvaluation
from ..metrics.registry import METRICS
from ..statistics.intervals import Estimate
from ..table import Cell, Column, Row, Table
from ..tables import Notes
from .contributions import MethodContributions, most_first
from .modality_shares import MethodShares, by_weight
from .structures import Structures
from .subsets import Measured


def shares_table(evaluation: Evaluation, task: TaskEvaluation, shares: Sequence[MethodShares]) -> Table:
    """One column a modality, most weight first: mean share with its standard deviation over splits."""
    notes = Notes()
    order = by_weight(shares)
    columns = [Column(f"share_{name}", name, "Share of the weight", paper=True) for name in order]
    rows = []
    for own in shares:
        remarks = []
        if own.guessing:
            remarks.append(notes.add("No better than guessing here: its shares say nothing of the modalities."))
        if own.fixed:
            remarks.append(notes.add("The same in every split: set by design, not learnt."))
        if own.silent:
            told = f"No weights in {own.silent} of {own.silent + len(own.values)} splits; shares are over the others."
            remarks.append(notes.add(told))
        cells = tuple(_share(own, own.modalities.index(name)) for name in order)
        info = evaluation.info(own.method)
        rows.append(Row(own.method, info.title or own.method, info.family, info.role, cells, notes=tuple(remarks)))
    return Table(
        f"{task.info.name}-shares",
        f"Share of the modality weights on {task.info.title or task.info.name}",
        tuple(columns),
        tuple(rows),
        tuple(notes.texts),
        "Each method's weights, scaled to sum to 1 in each split: mean ± standard deviation over splits.",
    )


def contributions_table(evaluation: Evaluation, task: TaskEvaluation, found: Sequence[MethodContributions]) -> Table:
    """One column a modality, what adds most first: mean Shapley value with its interval over splits."""
    notes = Notes()
    order = most_first(found)
    columns = tuple(Column(f"added_{n}", n, "Added to the probability of the true class", paper=True) for n in order)
    rows = []
    for own in found:
        remarks = (notes.add("No better than guessing here."),) if own.guessing else ()
        cells = tuple(Cell(own.estimates[name]) for name in order)
        info = evaluation.info(own.method)
        rows.append(Row(own.method, info.title or own.method, info.family, info.role, cells, notes=remarks))
    return Table(
        f"{task.info.name}-contributions",
        f"What each modality adds on {task.info.title or task.info.name}",
        columns,
        tuple(rows),
        tuple(notes.texts),
        "Shapley values of the probability that a fitted method gives to the true class, averaged over test rows: mean "
        "over splits with 95 % intervals. A line sums to what the method gains from all modalities together.",
    )


def measured_table(
    evaluation: Evaluation, task: TaskEvaluation, found: Sequence[Measured], order: Sequence[str], primary: str
) -> Table:
    """Scores on single modalities, and what is lost without each; in the given order, or else in the task's."""
    metric = METRICS[primary]
    names = order or [name for name, _, _ in task.info.modalities]
    columns = [Column(f"alone_{n}", n, "This modality alone", direction=metric.direction, paper=True) for n in names]
    columns += [Column(f"lost_{n}", n, "Lost without it", paper=True) for n in names]
    rows = []
    for own in found:
        info = evaluation.info(own.method)
        cells = (*(Cell(own.alone[n]) for n in names), *(Cell(own.lost[n]) for n in names))
        rows.append(Row(own.method, info.title or own.method, info.family, info.role, cells))
    return Table(
        f"{task.info.name}-measured",
        f"{metric.title} with one modality and without it on {task.info.title or task.info.name}",
        tuple(columns),
        tuple(rows),
        legend=(
            f"{metric.title}, fitted and tuned anew on each subset, with 95 % intervals. Lost without it: all "
            "modalities against all but this one, paired by split; above zero where the modality helps."
        ),
    )


def structures_table(evaluation: Evaluation, task: TaskEvaluation, found: Sequence[Structures]) -> Table:
    """One row a graphical model: size of its graphs and how far the splits agree."""
    notes = Notes()
    columns = (
        Column("variables", "Variables", "Graph", "rank", paper=True, description="Mean over splits, class included."),
        Column("edges", "Edges", "Graph", "rank", paper=True, description="Mean over splits."),
        Column("between", "Between modalities", "Graph", paper=True, description="Share of edges across modalities."),
        Column("different", "Different edges", "Agreement of splits", "count", paper=True),
        Column(
            "in_all", "Found in all", "Agreement of splits", paper=True, description="Share of the different edges."
        ),
        Column("jaccard", "Jaccard", "Agreement of splits", paper=True, description="Mean over pairs of splits."),
    )
    rows = []
    for own in found:
        remarks = []
        if own.star:
            remarks.append(notes.add("Every variable is linked to the class and to nothing else."))
        elif own.by_design:
            remarks.append(notes.add("Every variable is linked to the class; those edges are not counted."))
        if own.lacking:
            told = f"No graph was kept in {own.lacking} of {own.lacking + own.splits} splits."
            remarks.append(notes.add(told))
        edges = len(own.links)
        figures: Mapping[str, float] = {
            "variables": float(np.mean([len(graph.variables) for graph in own.graphs])),
            "edges": float(np.mean([len(pairs) for pairs in own.counted])),
            "between": own.between,
            "different": edges,
            "in_all": own.in_all / edges if edges and own.splits > 1 else float("nan"),
            "jaccard": own.jaccard,
        }
        cells = tuple(Cell(Estimate(figures[column.key], n=own.splits)) for column in columns)
        info = evaluation.info(own.method)
        rows.append(Row(own.method, info.title or own.method, info.family, info.role, cells, notes=tuple(remarks)))
    return Table(
        f"{task.info.name}-structures",
        f"Learnt graphs on {task.info.title or task.info.name}",
        columns,
        tuple(rows),
        tuple(notes.texts),
        "Edges are counted without their direction. Jaccard: edges that two splits share, of all edges of the two.",
    )


def _share(own: MethodShares, place: int) -> Cell:
    mean, sd = float(own.mean[place]), float(own.sd[place])
    return Cell(Estimate(mean, mean - sd, mean + sd, len(own.values)))
