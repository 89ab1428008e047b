"""Accuracy against cost, and accuracy against calibration, each with its Pareto front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ..evaluation import Evaluation, TaskEvaluation
from ..metrics.registry import METRICS
from ..statistics.intervals import losses
from ..table import Table
from .labels import label_points
from .style import INK, MUTED, PAPER, colour, key_handles, marker, new_figure, records, style, tidy

Floats = npt.NDArray[np.float64]

_ALL_NAMED = 20
# With more points than this, names would cover each other: only those that the figure is about get one.

_HOLLOW = (
    "Hollow points are distinguishable from the best score (95 % interval of the paired difference without zero). "
    "Constant guesses and incomplete methods are left out."
)


def pareto_front(cost: Floats, loss: Floats) -> npt.NDArray[np.bool_]:
    """Which points no other point beats: (n,). Less is better in both; a point equal in both is kept."""
    no_worse = (cost[None] <= cost[:, None]) & (loss[None] <= loss[:, None])
    better = (cost[None] < cost[:, None]) | (loss[None] < loss[:, None])
    return np.asarray(~(no_worse & better).any(axis=1))


@dataclass(frozen=True)
class ParetoFigure:
    """Methods as points: ``x`` is a price (less is better), ``y`` a score; points on the front are joined.

    ``points``: method, title, family, fusion, x, y, y_low, y_high, mark ("best", "tied" or empty), on_front, named.
    """

    name: str
    told: str
    points: pd.DataFrame
    x_label: str
    y_label: str
    higher: bool
    log: bool

    @property
    def caption(self) -> str:
        """What is shown, and which points are named when not all are."""
        if self.points["named"].all():
            return self.told
        return f"{self.told} Named: the front, and of each family the best and the leftmost."

    def frame(self) -> pd.DataFrame:
        """One row a method."""
        return self.points.copy()

    def plot(self) -> Figure:
        """The scatter with direct names and the front; methods distinguishable from the best are hollow."""
        data = self.points
        with style():
            figure = new_figure(6.3, 4.3)
            axes = figure.subplots()
            tidy(axes)
            if self.log:
                axes.set_xscale("log")
            axes.set_xlabel(self.x_label)
            axes.set_ylabel(self.y_label)
            if not len(data):
                axes.text(0.5, 0.5, "no complete method", transform=axes.transAxes, ha="center", color=MUTED)
                return figure
            front = data[data["on_front"]].sort_values("x")
            corners = ([v for v in front["x"] for _ in "ab"][1:], [v for v in front["y"] for _ in "ab"][:-1])
            axes.plot(*corners, color=INK, lw=0.9, ls=(0, (4, 2)), zorder=1.5, alpha=0.55)
            for row in records(data):
                tint = colour(row.family)
                axes.scatter(
                    row.x,
                    row.y,
                    s=36,
                    marker=marker(row.fusion),
                    facecolor=tint if row.mark else PAPER,
                    edgecolor=PAPER if row.mark else tint,
                    linewidth=0.6 if row.mark else 1.1,
                    zorder=3,
                )
            self._limits(axes)
            axes.legend(
                handles=key_handles(data["family"], data["fusion"]),
                loc="upper left",
                bbox_to_anchor=(0, -0.14),
                ncols=6,
                handletextpad=0.2,
                columnspacing=1.1,
            )
            told = data[data["named"]]
            hidden = data[~data["named"]]
            label_points(
                axes,
                list(told["x"]),
                list(told["y"]),
                list(told["method"]),
                [colour(family) for family in told["family"]],
                avoid=corners,
                beside=(list(hidden["x"]), list(hidden["y"])),
            )
        return figure

    def _limits(self, axes: Axes) -> None:
        """Room for names around the points."""
        x, y = self.points["x"], self.points["y"]
        if self.log:
            span = max(np.log10(x.max() / x.min()), 0.5)
            axes.set_xlim(x.min() / 10 ** (0.14 * span), x.max() * 10 ** (0.14 * span))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        else:
            span = max(x.max() - x.min(), 0.01)
            axes.set_xlim(x.min() - 0.14 * span, x.max() + 0.14 * span)
        span = max(y.max() - y.min(), 0.02)
        axes.set_ylim(y.min() - 0.14 * span, y.max() + 0.14 * span)


def accuracy_against_cost(
    evaluation: Evaluation, table: Table, primary: str, task: TaskEvaluation | None = None
) -> ParetoFigure:
    """The primary metric against the seconds of tuning and fitting one split; over all tasks when none is given.

    ``table`` is that of the task, or the survey's: its marks are shown.
    """
    where = f"on {task.info.title or task.info.name}" if task else "over all tasks"
    title = METRICS[primary].title
    return ParetoFigure(
        name=f"cost-{task.info.name if task else 'survey'}",
        told=(
            f"{title} against the seconds of tuning and fitting one split {where}. The dashed line joins the methods "
            f"that no other beats in both. {_HOLLOW}"
        ),
        points=_points(evaluation, table, primary, task, _seconds),
        x_label="seconds of tuning and fitting one split (log scale)",
        y_label=title,
        higher=METRICS[primary].direction == "higher",
        log=True,
    )


def accuracy_against_calibration(
    evaluation: Evaluation, table: Table, primary: str, task: TaskEvaluation | None = None
) -> ParetoFigure:
    """The primary metric against smooth ECE of the probabilities as given; over all tasks when none is given.

    ``table`` is that of the task, or the survey's: its marks are shown.
    """
    where = f"on {task.info.title or task.info.name}" if task else "over all tasks"
    title = METRICS[primary].title
    return ParetoFigure(
        name=f"calibration-{task.info.name if task else 'survey'}",
        told=(
            f"{title} against smooth ECE of the probabilities as the methods give them {where}; left is better. "
            "The dashed line joins the methods that no other beats in both. " + _HOLLOW
        ),
        points=_points(evaluation, table, primary, task, lambda t: t.score("smooth_ece").points),
        x_label="smooth ECE",
        y_label=title,
        higher=METRICS[primary].direction == "higher",
        log=False,
    )


def _seconds(task: TaskEvaluation) -> Floats:
    """Mean seconds of tuning and fitting; a method that is not tuned spends none on it."""
    return np.nan_to_num(task.cost("tune_wall").points) + task.cost("fit_wall").points


def _points(
    evaluation: Evaluation,
    table: Table,
    primary: str,
    task: TaskEvaluation | None,
    price: Callable[[TaskEvaluation], Floats],
) -> pd.DataFrame:
    tasks = [task] if task else list(evaluation.tasks.values())
    found = []
    for name in evaluation.methods:
        info = evaluation.info(name)
        if any(name not in t.methods or not t.complete[t.methods.index(name)] or name in t.constant for t in tasks):
            continue
        cell = table.cell(name, primary)
        figure = cell.estimate
        x, y = float(np.mean([price(t)[t.methods.index(name)] for t in tasks])), figure.value
        if np.isfinite(x) and np.isfinite(y):
            told = (name, info.title or name, info.family, info.fusion)
            found.append((*told, x, y, figure.low, figure.high, cell.mark))
    columns = ["method", "title", "family", "fusion", "x", "y", "y_low", "y_high", "mark"]
    points = pd.DataFrame(found, columns=columns)
    turned = losses(points["y"].to_numpy(dtype=float), METRICS[primary].direction)
    points["on_front"] = pareto_front(points["x"].to_numpy(dtype=float), turned)
    points["named"] = points["on_front"] | (len(points) <= _ALL_NAMED)
    for _, family in points.assign(loss=turned).groupby("family"):
        points.loc[[family["loss"].idxmin(), family["x"].idxmin()], "named"] = True
    return points
