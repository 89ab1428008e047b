"""Learning curves: scores against training rows, one panel a task, families by colour."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..evaluation import Evaluation
from .style import colour, new_figure, plain, shorten, style, tidy

MOST = 6


@dataclass(frozen=True)
class LearningCurvesFigure:
    """``points``: task, method, family, fraction, n_train, score (more is better)."""

    name: str
    caption: str
    points: pd.DataFrame
    y_label: str
    titles: dict[str, str]

    def frame(self) -> pd.DataFrame:
        """One row for each task, method and share of the training rows."""
        return self.points.copy()

    def plot(self) -> Figure:
        """Thin lines are methods, thick ones the means of their families."""
        tasks = list(dict.fromkeys(self.points["task"]))[:MOST]
        columns = min(3, len(tasks))
        rows = -(-len(tasks) // columns)
        with style():
            figure = new_figure(2.5 * columns + 0.4, 2.1 * rows + 0.5)
            grid = figure.subplots(rows, columns, squeeze=False)
            for axes in grid.flat[len(tasks) :]:
                axes.set_axis_off()
            for axes, task in zip(grid.flat, tasks, strict=False):
                tidy(axes)
                own = self.points[self.points["task"] == task]
                for (family, _), line in own.groupby(["family", "method"], sort=False):
                    axes.plot(line["n_train"], line["score"], color=colour(str(family)), lw=0.6, alpha=0.45)
                for family, lines in own.groupby("family", sort=False):
                    mean = lines.groupby("fraction")[["n_train", "score"]].mean()
                    axes.plot(mean["n_train"], mean["score"], color=colour(str(family)), lw=2.0, marker="o", ms=3)
                axes.set_xscale("log")
                axes.set_title(plain(shorten(self.titles[task], 30)))
            figure.supxlabel("training rows (log scale)", fontsize=8)
            figure.supylabel(self.y_label, fontsize=8)
            families = list(dict.fromkeys(self.points["family"]))
            handles = [Line2D([], [], color=colour(family), lw=2, label=family) for family in families]
            figure.legend(handles=handles, loc="outside lower center", ncols=min(len(families), 6))
        return figure


def learning_curves_figure(evaluation: Evaluation, curves: pd.DataFrame, title: str) -> LearningCurvesFigure:
    """The figure of all tasks with learning curves, at most six."""
    tasks = list(dict.fromkeys(curves["task"]))
    cut = f" The first {MOST} of {len(tasks)} tasks." if len(tasks) > MOST else ""
    return LearningCurvesFigure(
        name="learning-curves",
        caption=f"{title} on the same test rows by training rows; thick: mean of a family, thin: its methods.{cut}",
        points=curves.reset_index(drop=True),
        y_label=title.lower(),
        titles={name: evaluation.results.tasks[name].title or name for name in tasks},
    )
