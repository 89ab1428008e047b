"""Shares of the modality weights: one panel a modality, one line a method, every split behind its mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .evaluation import Evaluation, TaskEvaluation
from .figure_style import INK, MUTED, PAPER, RULE, colour, new_figure, plain, shorten, style
from .modality_colours import modality_colours
from .modality_shares import MethodShares, by_weight

_COLUMNS = 5


@dataclass(frozen=True)
class SharesFigure:
    """``shares``: from top to bottom; ``modalities``: from left to right; ``tints``: their colours.

    ``titles`` and ``families`` are by method.
    """

    name: str
    caption: str
    shares: tuple[MethodShares, ...]
    modalities: tuple[str, ...]
    tints: Mapping[str, str]
    titles: Mapping[str, str]
    families: Mapping[str, str]

    def frame(self) -> pd.DataFrame:
        """One row for each method and modality: mean, standard deviation, least and greatest share over splits."""
        lines = []
        for own in self.shares:
            for modality in self.modalities:
                m = own.modalities.index(modality)
                column = own.values[:, m]
                lines.append(
                    {
                        "method": own.method,
                        "modality": modality,
                        "mean": column.mean(),
                        "sd": own.sd[m],
                        "least": column.min(),
                        "greatest": column.max(),
                        "splits": len(column),
                        "guessing": own.guessing,
                        "fixed": own.fixed,
                    }
                )
        return pd.DataFrame.from_records(lines)

    def plot(self) -> Figure:
        """Panels of equal scale, most weight on the left."""
        columns = min(_COLUMNS, len(self.modalities))
        rows = -(-len(self.modalities) // columns)
        upper = max(1.5 / len(self.modalities), *(float(own.values.max()) for own in self.shares))
        with style():
            height = rows * (0.42 + 0.19 * len(self.shares)) + 0.3
            figure = new_figure(min(2.0 + 1.75 * columns, 7.4), height)
            grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.09})
            for axes, modality in zip(grid.flat, self.modalities, strict=False):
                self._panel(axes, modality)
                axes.set_xlim(0, upper * 1.04)
                axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
                axes.xaxis.set_major_formatter("{x:g}")
            for axes in list(grid.flat)[len(self.modalities) :]:
                axes.set_visible(False)
            for axes in grid[:, 0]:
                names = [plain(shorten(self.titles[own.method], 30)) for own in self.shares]
                axes.set_yticks(range(len(names)), names)
                axes.set_ylim(len(names) - 0.4, -0.6)
                for label, own in zip(axes.get_yticklabels(), self.shares, strict=True):
                    label.set_color(MUTED if own.guessing else colour(self.families[own.method]))
            figure.supxlabel("share of the method's modality weights", fontsize=8)
        return figure

    def _panel(self, axes: Axes, modality: str) -> None:
        tint = self.tints[modality]
        axes.set_axisbelow(True)
        axes.grid(True, axis="x")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        axes.axvline(1 / len(self.modalities), color=MUTED, lw=0.7, ls=(0, (3, 2)))
        for aside, text, ink in ((0, "■", tint), (9, plain(shorten(modality, 20)), INK)):
            axes.annotate(text, (0, 1), (aside, 4), "axes fraction", "offset points", color=ink, fontsize=8)
        before = None
        for place, own in enumerate(self.shares):
            m = own.modalities.index(modality)
            family = self.families[own.method]
            if before not in (None, family):
                axes.axhline(place - 0.5, color=RULE, lw=0.6)
            before = family
            shown = MUTED if own.guessing else tint
            axes.barh(place, own.mean[m], height=0.56, color=shown, alpha=0.2, linewidth=0)
            axes.scatter(own.values[:, m], [place] * len(own.values), s=5, color=shown, alpha=0.4, linewidth=0)
            if np.isfinite(own.sd[m]) and own.sd[m] > 0:
                ends = [max(own.mean[m] - own.sd[m], 0.0), min(own.mean[m] + own.sd[m], 1.0)]
                axes.plot(ends, [place, place], color=shown, lw=1.4, solid_capstyle="round")
            axes.scatter(
                own.mean[m],
                place,
                s=20,
                marker="D" if own.fixed else "o",
                facecolor=PAPER if own.guessing else shown,
                edgecolor=shown,
                linewidth=0.9,
                zorder=3,
            )


def shares_figure(evaluation: Evaluation, task: TaskEvaluation, shares: tuple[MethodShares, ...]) -> SharesFigure:
    """The figure of one task."""
    modalities = tuple(name for name, _, _ in task.info.modalities)
    told = [
        f"Share of each method's modality weights on {task.info.title or task.info.name}, scaled to sum to 1 in each "
        "split. Large dots and bars: mean over splits; lines: one standard deviation; small dots: single splits; "
        "dashed: equal shares. Families stand together; weights of different families are of different kinds."
    ]
    if any(own.guessing for own in shares):
        told.append("Hollow and grey: no better than guessing here, so that its shares say nothing.")
    if any(own.fixed for own in shares):
        told.append("Diamonds: the same in every split, set by design.")
    return SharesFigure(
        name=f"shares-{task.info.name}",
        caption=" ".join(told),
        shares=shares,
        modalities=by_weight(shares),
        tints=modality_colours(modalities),
        titles={own.method: evaluation.info(own.method).title or own.method for own in shares},
        families={own.method: evaluation.info(own.method).family for own in shares},
    )
