"""Score by the number of modalities that a method was given."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..evaluation import Evaluation, TaskEvaluation
from ..metrics.registry import METRICS
from ..models.subsets import subset_scores
from ..statistics.intervals import corrected_t
from .labels import spread
from .style import colour, marker, new_figure, plain, shorten, style, tidy


@dataclass(frozen=True)
class ModalitiesFigure:
    """``points``: method, family, fusion, count, modalities, score, low, high; one row for each subset that was run.

    ``means``: the same without modalities, one row for each method and number of modalities.
    """

    name: str
    caption: str
    y_label: str
    points: pd.DataFrame
    means: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """One row for each method and subset, and for the mean over the subsets of one size (without modalities)."""
        return pd.concat([self.points, self.means], ignore_index=True)

    def plot(self) -> Figure:
        """Every subset as a dot, the mean over subsets of one size as a line, the method's name at its end."""
        with style():
            figure = new_figure(6.3, 3.4)
            axes = figure.subplots()
            tidy(axes)
            axes.set_xlabel("number of modalities")
            axes.set_ylabel(self.y_label)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            ends: list[tuple[float, float, str, str]] = []
            methods = list(dict.fromkeys(self.points["method"]))
            for place, name in enumerate(methods):
                rows = self.points[self.points["method"] == name]
                tint = colour(rows["family"].iloc[0])
                aside = 0.05 * (place - (len(methods) - 1) / 2)
                axes.scatter(rows["count"] + aside, rows["score"], s=12, color=tint, alpha=0.5, linewidth=0)
                means = self.means[self.means["method"] == name]
                axes.vlines(means["count"] + aside, means["low"], means["high"], color=tint, lw=1.0, alpha=0.4)
                dashes = ("-", (0, (5, 2)), (0, (1.5, 1.5)))[sum(e[3] == tint for e in ends) % 3]
                axes.plot(
                    means["count"] + aside,
                    means["score"],
                    color=tint,
                    marker=marker(rows["fusion"].iloc[0]),
                    ms=4.5,
                    ls=dashes,
                )
                ends.append((float(means["count"].iloc[-1]), float(means["score"].iloc[-1]), name, tint))
            both = self.frame()
            low, high = both[["score", "low"]].min(axis=None), both[["score", "high"]].max(axis=None)
            low, high = max(low, self.points["score"].min() - 0.2), min(high, self.points["score"].max() + 0.2)
            room = max(0.04 * (high - low), 0.01)
            axes.set_ylim(low - room, high + room)
            most = int(self.points["count"].max())
            axes.set_xlim(self.points["count"].min() - 0.3, most + 0.75)
            heights = spread([e[1] for e in ends], (high - low + 2 * room) * 0.055)
            for (_, end, name, tint), height in zip(ends, heights, strict=True):
                axes.annotate(
                    plain(shorten(name, 26)),
                    xy=(most + 0.12, end),
                    xytext=(most + 0.2, height),
                    va="center",
                    fontsize=7,
                    color=tint,
                    annotation_clip=False,
                )
        return figure


def score_by_modalities(evaluation: Evaluation, task: TaskEvaluation, primary: str) -> ModalitiesFigure | None:
    """The figure of one task; None where no method was run on subsets of different sizes."""
    metric = METRICS[primary]
    scored = subset_scores(evaluation, task, primary)
    if scored.empty:
        return None
    names = scored["modalities"]
    scored = scored.assign(count=names.map(len), modalities=names.map(" + ".join))
    ratio = task.test_to_train if task.resampled else 0.0
    points = _summary(evaluation, scored, ["method", "count", "modalities"], ratio)
    means = _summary(
        evaluation,
        scored.groupby(["method", "count", "split"])["score"].mean().reset_index(),
        ["method", "count"],
        ratio,
    )
    return ModalitiesFigure(
        name=f"modalities-{task.info.name}",
        caption=(
            f"{metric.title} by number of modalities on {task.info.title or task.info.name}. Dots are subsets; lines "
            "join the means over subsets of one size, with 95 % intervals."
        ),
        y_label=metric.title,
        points=points,
        means=means,
    )


def _summary(evaluation: Evaluation, scored: pd.DataFrame, by: list[str], test_to_train: float) -> pd.DataFrame:
    """Mean score over splits with its interval, for each value of ``by``."""
    records = []
    for key, rows in scored.groupby(by, sort=True):
        figure = corrected_t(rows["score"].to_numpy(dtype=float), test_to_train)
        named = dict(zip(by, key, strict=True))
        info = evaluation.info(str(named["method"]))
        own = {**named, "family": info.family, "fusion": info.fusion}
        records.append({**own, "score": figure.value, "low": figure.low, "high": figure.high})
    return pd.DataFrame.from_records(records).dropna(subset=["score"]).reset_index(drop=True)
