"""The critical-difference diagram of mean ranks (Demsar 2006): bars join what Nemenyi's test does not tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from ..evaluation import Evaluation
from ..statistics.friedman import cliques, critical_difference
from .style import INK, MUTED, colour, new_figure, plain, records, shorten, style

MOST = 24


@dataclass(frozen=True)
class CriticalDifferenceFigure:
    """``points``: method, title, family, mean_rank, best first. ``bars``: mean ranks that each joins."""

    name: str
    caption: str
    points: pd.DataFrame
    difference: float
    bars: tuple[tuple[float, float], ...]

    def frame(self) -> pd.DataFrame:
        """One row a method, with the critical difference."""
        return self.points.assign(critical_difference=self.difference)

    def plot(self) -> Figure:
        """An axis of ranks, names on both sides, bars below the axis."""
        data = self.points
        half = (len(data) + 1) // 2
        low, high = float(np.floor(data["mean_rank"].min())), float(np.ceil(data["mean_rank"].max()))
        depth = 0.45 + 0.25 * len(self.bars)
        with style():
            figure = new_figure(7.4, 1.1 + 0.16 * len(self.bars) + 0.22 * half)
            axes = figure.subplots()
            axes.set_axis_off()
            span = max(high - low, 1.0)
            axes.set_xlim(low - 0.45 * span, high + 0.45 * span)
            axes.set_ylim(depth + half + 0.3, -1.6)
            axes.plot([low, high], [0, 0], color=INK, lw=1)
            for tick in np.linspace(low, high, 6):
                axes.plot([tick, tick], [-0.15, 0], color=INK, lw=0.8)
                axes.text(tick, -0.3, f"{tick:.1f}", ha="center", va="bottom", color=MUTED)
            axes.plot([low, low + self.difference], [-1.15, -1.15], color=INK, lw=1.4)
            axes.text(low, -1.3, f"critical difference {self.difference:.2f}", va="bottom")
            for place, (first, last) in enumerate(self.bars):
                level = 0.35 + 0.25 * place
                axes.plot([first - 0.01 * span, last + 0.01 * span], [level, level], color=INK, lw=2.6, alpha=0.75)
            for place, row in enumerate(records(data)):
                left = place < half
                level = depth + (place if left else len(data) - 1 - place)
                edge = low - 0.03 * span if left else high + 0.03 * span
                tint = colour(row.family)
                axes.plot([row.mean_rank, row.mean_rank, edge], [0, level, level], color=tint, lw=0.8)
                name = plain(shorten(row.method, 26))
                text = f"{name}  {row.mean_rank:.1f}" if left else f"{row.mean_rank:.1f}  {name}"
                beyond = edge - 0.01 * span if left else edge + 0.01 * span
                axes.text(beyond, level, text, ha="right" if left else "left", va="center")
        return figure


def critical_difference_figure(
    evaluation: Evaluation, methods: Sequence[str], ranks: npt.NDArray[np.float64], title: str
) -> CriticalDifferenceFigure:
    """The diagram of methods in ascending mean rank, from their ranks (T, M); the best ``MOST`` are drawn."""
    middle = ranks.mean(axis=0)
    difference = critical_difference(len(methods), len(ranks))
    infos = [evaluation.info(name) for name in methods]
    points = pd.DataFrame(
        {
            "method": list(methods),
            "title": [info.title or name for info, name in zip(infos, methods, strict=True)],
            "family": [info.family for info in infos],
            "mean_rank": middle,
        }
    )
    drawn = middle[:MOST]
    bars = tuple((float(drawn[a]), float(drawn[b])) for a, b in cliques(drawn, difference))
    return CriticalDifferenceFigure(
        name="critical-difference",
        caption=(
            f"Critical-difference diagram of mean ranks by {title.lower()} over {len(ranks)} tasks and {len(methods)} "
            "methods (Nemenyi, 5 %): bars join methods that it does not tell apart; with few tasks that is most."
        ),
        points=points.head(MOST).reset_index(drop=True),
        difference=difference,
        bars=bars,
    )
