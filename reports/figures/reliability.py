"""Reliability diagrams: how often a method is right against how sure it was, one small panel a method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from ..evaluation import Evaluation, TaskEvaluation
from ..metrics.calibration import equal_mass_bins, isotonic, top_label
from ..statistics.intervals import LEVEL
from .style import MUTED, colour, new_figure, plain, shorten, style, tidy

Floats = npt.NDArray[np.float64]

MOST, FEW = 20, 5
_COLUMNS = 5
_HISTOGRAM = 20
_HISTOGRAM_HEIGHT = 0.16


@dataclass(frozen=True)
class Panel:
    """One method: its bins with Wilson bands, its monotone (CORP) curve, and how its scores spread."""

    method: str
    family: str
    confidence: Floats
    frequency: Floats
    low: Floats
    high: Floats
    count: Floats
    curve_x: Floats
    curve_y: Floats
    histogram: Floats
    ece: float
    smooth_ece: float


@dataclass(frozen=True)
class ReliabilityFigure:
    """Small multiples for one task: the second class's probability of two, the predicted class's of more."""

    name: str
    caption: str
    x_label: str
    panels: tuple[Panel, ...]

    def frame(self) -> pd.DataFrame:
        """One row for each bin of each method; ``count`` is of test rows in one repeat."""
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "method": panel.method,
                        "confidence": panel.confidence,
                        "frequency": panel.frequency,
                        "low": panel.low,
                        "high": panel.high,
                        "count": panel.count,
                    }
                )
                for panel in self.panels
            ]
            or [pd.DataFrame(columns=["method", "confidence", "frequency", "low", "high", "count"])],
            ignore_index=True,
        )

    def plot(self) -> Figure:
        """The grid of panels."""
        columns = min(_COLUMNS, max(len(self.panels), 1))
        rows = max(1, -(-len(self.panels) // columns))
        with style():
            figure = new_figure(1.75 * columns + 0.3, 1.95 * rows + 0.3)
            grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
            for axes, panel in zip(grid.flat, self.panels, strict=False):
                _draw(axes, panel)
            for axes in list(grid.flat)[len(self.panels) :]:
                axes.set_visible(False)
            for place in range(len(self.panels) - columns, len(self.panels)):
                if place >= 0:
                    grid.flat[place].tick_params(labelbottom=True)
            figure.supxlabel(plain(self.x_label), fontsize=8)
            figure.supylabel("observed frequency", fontsize=8)
        return figure


def reliability(
    evaluation: Evaluation, task: TaskEvaluation, order: list[str] | None = None, most: int = MOST
) -> ReliabilityFigure:
    """The diagrams of methods with results on a task that are not constant guesses: the first ``most`` of the order."""
    names = [n for n in order or list(task.methods) if n not in task.constant]
    cut = f" The first {most} of {len(names)} methods." if len(names) > most else ""
    panels = [panel for name in names[:most] if (panel := _panel(evaluation, task, name)) is not None]
    classes = task.info.classes
    label = f"probability of {classes[1]}" if len(classes) == 2 else "confidence in the predicted class"
    return ReliabilityFigure(
        name=f"reliability-{task.info.name}",
        caption=(
            f"Reliability on {task.info.title or task.info.name}, probabilities as given. Dots: bins of equal mass "
            "with 95 % Wilson bands; line: monotone (CORP) fit; bars: where they lie. On the diagonal a "
            "probability means what it says; points below it (for confidences) are over-confident."
            f"{cut}"
        ),
        x_label=label,
        panels=tuple(panels),
    )


def wilson(frequency: Floats, count: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Score interval of a proportion (Wilson 1927): two arrays like ``frequency``."""
    z = stats.norm.ppf((1 + level) / 2)
    middle = (frequency + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(frequency * (1 - frequency) / count + z**2 / (4 * count**2))
    return middle - half, middle + half


def _panel(evaluation: Evaluation, task: TaskEvaluation, name: str) -> Panel | None:
    pooled = task.pooled(name)
    if pooled is None:
        return None
    y, proba = pooled
    scores, hits = (proba[:, 1], (y == 1).astype(float)) if proba.shape[1] == 2 else top_label(y, proba)
    repeats = len({split[0] for split in task.splits if (name, split) in task.ok})
    cut = equal_mass_bins(scores, hits, bins=int(np.clip(len(y) // repeats // 20, 3, 10)))
    count = cut.count / repeats  # repeats show the same rows again: they are not new evidence
    low, high = wilson(cut.frequency, count)
    order = np.argsort(scores)
    curve_y = isotonic(scores, hits)[order]
    keep = np.r_[True, np.diff(curve_y) > 0] | np.r_[np.diff(curve_y) > 0, True]
    share = np.histogram(scores, bins=_HISTOGRAM, range=(0, 1))[0].astype(float)
    return Panel(
        method=name,
        family=evaluation.info(name).family,
        confidence=cut.confidence,
        frequency=cut.frequency,
        low=low,
        high=high,
        count=count,
        curve_x=scores[order][keep],
        curve_y=curve_y[keep],
        histogram=share / share.max(),
        ece=task.score("ece").estimate(name).value,
        smooth_ece=task.score("smooth_ece").estimate(name).value,
    )


def _draw(axes: Axes, panel: Panel) -> None:
    tint = colour(panel.family)
    tidy(axes)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1), aspect="equal")
    edges = np.linspace(0, 1, _HISTOGRAM + 1)
    axes.stairs(panel.histogram * _HISTOGRAM_HEIGHT, edges, fill=True, color=tint, alpha=0.22, lw=0)
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.7, ls=(0, (3, 2)))
    axes.plot(panel.curve_x, panel.curve_y, color=tint, lw=0.9, alpha=0.55)
    axes.vlines(panel.confidence, panel.low, panel.high, color=tint, lw=1.0, alpha=0.55)
    axes.scatter(panel.confidence, panel.frequency, s=11, color=tint, zorder=3, linewidth=0)
    axes.set_title(plain(shorten(panel.method, 22)), fontsize=7.5, pad=3)
    axes.text(
        0.03,
        0.97,
        f"ECE {panel.ece:.3f}\nsmooth {panel.smooth_ece:.3f}",
        transform=axes.transAxes,
        va="top",
        fontsize=6.2,
        color=MUTED,
    )
