"""One panel a modality, one line a method, every split behind its mean: how figures by modality and method look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import INK, MUTED, PAPER, RULE, colour, new_figure, plain, shorten, style

_COLUMNS = 5


@dataclass(frozen=True)
class Line:
    """A method: ``guessing`` draws it grey and hollow, as what cannot be told from guessing says nothing."""

    title: str
    family: str
    guessing: bool


@dataclass(frozen=True)
class Mark:
    """A method's place in a panel: the mean, ends of the line through it (NaN for none), and single splits."""

    mean: float
    low: float
    high: float
    values: npt.NDArray[np.float64]
    marker: str = "o"


@dataclass(frozen=True)
class Panels:
    """What is drawn.

    Parameters
    ----------
    lines: from top to bottom. modalities: from left to right. tints: their colours.
    mark: the mark of a line, by its place, in the panel of a modality.
    limits: of the horizontal axis. reference: where it has a dashed line. label: what it shows.
    """

    lines: Sequence[Line]
    modalities: Sequence[str]
    tints: Mapping[str, str]
    mark: Callable[[int, str], Mark]
    limits: tuple[float, float]
    reference: float
    label: str

    def plot(self) -> Figure:
        """Panels of equal scale."""
        columns = min(_COLUMNS, len(self.modalities))
        rows = -(-len(self.modalities) // columns)
        with style():
            height = rows * (0.42 + 0.19 * len(self.lines)) + 0.3
            figure = new_figure(min(2.0 + 1.75 * columns, 7.4), height)
            grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.09})
            for axes, modality in zip(grid.flat, self.modalities, strict=False):
                self._panel(axes, modality)
                axes.set_xlim(*self.limits)
                axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
                axes.xaxis.set_major_formatter("{x:g}")
            for axes in list(grid.flat)[len(self.modalities) :]:
                axes.set_visible(False)
            for axes in grid[:, 0]:
                axes.set_yticks(range(len(self.lines)), [plain(shorten(line.title, 30)) for line in self.lines])
                axes.set_ylim(len(self.lines) - 0.4, -0.6)
                for label, line in zip(axes.get_yticklabels(), self.lines, strict=True):
                    label.set_color(MUTED if line.guessing else colour(line.family))
            figure.supxlabel(self.label, fontsize=8)
        return figure

    def _panel(self, axes: Axes, modality: str) -> None:
        tint = self.tints[modality]
        axes.set_axisbelow(True)
        axes.grid(True, axis="x")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        axes.axvline(self.reference, color=MUTED, lw=0.7, ls=(0, (3, 2)))
        name_panel(axes, modality, tint)
        before = None
        for place, line in enumerate(self.lines):
            if before not in (None, line.family):
                axes.axhline(place - 0.5, color=RULE, lw=0.6)
            before = line.family
            mark, shown = self.mark(place, modality), MUTED if line.guessing else tint
            axes.barh(place, mark.mean, height=0.56, color=shown, alpha=0.2, linewidth=0)
            axes.scatter(mark.values, [place] * len(mark.values), s=5, color=shown, alpha=0.4, linewidth=0)
            if mark.high > mark.low:
                axes.plot([mark.low, mark.high], [place, place], color=shown, lw=1.4, solid_capstyle="round")
            axes.scatter(
                mark.mean,
                place,
                s=20,
                marker=mark.marker,
                facecolor=PAPER if line.guessing else shown,
                edgecolor=shown,
                linewidth=0.9,
                zorder=3,
            )


def name_panel(axes: Axes, modality: str, tint: str) -> None:
    """A modality's name above its panel, behind a square of its colour."""
    for aside, text, ink in ((0, "■", tint), (9, plain(shorten(modality, 20)), INK)):
        axes.annotate(text, (0, 1), (aside, 4), "axes fraction", "offset points", color=ink, fontsize=8)
