"""Mean ranks over tasks with their bootstrap intervals, and every task's own rank behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..evaluation import Evaluation
from ..metrics.registry import METRICS
from ..statistics.intervals import over_tasks, ranks, task_draws
from .style import MUTED, PAPER, colour, marker, new_figure, plain, records, shorten, style, tidy

MOST = 40


@dataclass(frozen=True)
class RanksFigure:
    """``points``: method, title, family, fusion, mean_rank, low, high, best first. ``by_task``: ranks (T, M).

    The first ``MOST`` are drawn; the frame holds all.
    """

    name: str
    caption: str
    points: pd.DataFrame
    by_task: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """One row a method, with its rank on each task."""
        return self.points.join(self.by_task.T.add_prefix("rank_on_"), on="method")

    def plot(self) -> Figure:
        """Horizontal whiskers, best on top."""
        data = self.points.head(MOST).reset_index(drop=True)
        with style():
            figure = new_figure(6.3, 0.8 + 0.21 * max(len(data), 3))
            axes = figure.subplots()
            tidy(axes)
            axes.grid(False, axis="y")
            for place, row in enumerate(records(data)):
                tint = colour(row.family)
                axes.scatter(
                    self.by_task[row.method], [place] * len(self.by_task), s=9, color=tint, alpha=0.25, linewidth=0
                )
                if np.isfinite(row.low):
                    axes.plot(
                        [row.low, row.high], [place, place], color=tint, lw=1.6, alpha=0.8, solid_capstyle="round"
                    )
                axes.scatter(
                    row.mean_rank,
                    place,
                    s=34,
                    marker=marker(row.fusion),
                    color=tint,
                    edgecolor=PAPER,
                    linewidth=0.6,
                    zorder=3,
                )
            axes.set_yticks(range(len(data)), [plain(shorten(m, 28)) for m in data["method"]])
            axes.set_ylim(len(data) - 0.4, -0.6)
            axes.set_xlabel("mean rank over tasks (1 is best)")
            if not len(data):
                axes.text(
                    0.5, 0.5, "no method is complete on every task", transform=axes.transAxes, ha="center", color=MUTED
                )
        return figure


def ranks_over_tasks(evaluation: Evaluation, primary: str) -> RanksFigure:
    """Ranks in the primary metric among the methods that are complete on every task."""
    points, complete = evaluation.across(lambda t: t.score(primary))
    kept = [m for m in range(len(evaluation.methods)) if complete[:, m].all() and np.isfinite(points[:, m]).all()]
    names = [evaluation.methods[m] for m in kept]
    values = ranks(points[:, kept], METRICS[primary].direction) if kept else np.empty((len(points), 0))
    estimates = over_tasks(values, task_draws(len(points))) if kept else []
    infos = {n: evaluation.info(n) for n in names}
    found = [
        (n, infos[n].title or n, infos[n].family, infos[n].fusion, e.value, e.low, e.high)
        for n, e in zip(names, estimates, strict=True)
    ]
    frame = pd.DataFrame(found, columns=["method", "title", "family", "fusion", "mean_rank", "low", "high"])
    cut = f" The best {MOST} are drawn." if len(kept) > MOST else ""
    by_task = pd.DataFrame(values, index=list(evaluation.tasks), columns=names)
    return RanksFigure(
        name="ranks",
        caption=(
            f"Mean rank by {METRICS[primary].title.lower()} over {len(points)} tasks among the {len(kept)} methods "
            f"complete on all of them, with 95 % intervals of a bootstrap over tasks. Pale dots: single tasks.{cut}"
        ),
        points=frame.sort_values("mean_rank", kind="stable").reset_index(drop=True),
        by_task=by_task,
    )
