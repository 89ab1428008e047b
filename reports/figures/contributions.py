"""Shapley values of the modalities: one panel a modality, one line a method, every split behind its mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..evaluation import Evaluation, TaskEvaluation
from ..models.contributions import MethodContributions, most_first
from .modality_colours import modality_colours
from .modality_panels import Line, Mark, Panels


@dataclass(frozen=True)
class ContributionsFigure:
    """``found``: from top to bottom; ``modalities``: from left to right; ``tints``: their colours.

    ``titles`` and ``families`` are by method.
    """

    name: str
    caption: str
    found: tuple[MethodContributions, ...]
    modalities: tuple[str, ...]
    tints: Mapping[str, str]
    titles: Mapping[str, str]
    families: Mapping[str, str]

    def frame(self) -> pd.DataFrame:
        """One row for each method and modality: mean over splits with its interval, least and greatest of a split."""
        lines = []
        for own in self.found:
            for modality in self.modalities:
                estimate = own.estimates[modality]
                column = own.values[:, own.modalities.index(modality)]
                lines.append(
                    {
                        "method": own.method,
                        "modality": modality,
                        "mean": estimate.value,
                        "low": estimate.low,
                        "high": estimate.high,
                        "least": column.min(),
                        "greatest": column.max(),
                        "splits": len(column),
                        "rows": own.rows,
                        "guessing": own.guessing,
                    }
                )
        return pd.DataFrame.from_records(lines)

    def plot(self) -> Figure:
        """Panels of equal scale, what adds most on the left."""
        frame = self.frame()
        # Intervals of few splits may be far wider than all there is to see: they are cut before the means get small.
        low = min(0.0, frame["least"].min(), frame["low"].clip(lower=2 * frame["least"].min()).min())
        high = max(0.0, frame["greatest"].max(), frame["high"].clip(upper=1.5 * frame["greatest"].max()).max())
        room = 0.04 * max(high - low, 1e-3)
        return Panels(
            lines=[Line(self.titles[own.method], self.families[own.method], own.guessing) for own in self.found],
            modalities=self.modalities,
            tints=self.tints,
            mark=self._mark,
            limits=(low - room, high + room),
            reference=0.0,
            label="added to the probability of the true class",
        ).plot()

    def _mark(self, place: int, modality: str) -> Mark:
        own = self.found[place]
        estimate = own.estimates[modality]
        return Mark(estimate.value, estimate.low, estimate.high, own.values[:, own.modalities.index(modality)])


def contributions_figure(
    evaluation: Evaluation, task: TaskEvaluation, found: tuple[MethodContributions, ...]
) -> ContributionsFigure:
    """The figure of one task."""
    modalities = tuple(name for name, _, _ in task.info.modalities)
    spread = np.max([len(own.values) for own in found]) > 1
    told = [
        f"What each modality adds to the probability of the true class on {task.info.title or task.info.name}: "
        "Shapley values, exact over all subsets of modalities that are hidden from the fitted method, averaged over "
        "test rows. Large dots and bars: mean over splits"
        + ("; lines: 95 % intervals; small dots: single splits." if spread else ".")
        + " Left of zero a modality misleads."
    ]
    if any(own.guessing for own in found):
        told.append("Hollow and grey: no better than guessing here.")
    return ContributionsFigure(
        name=f"contributions-{task.info.name}",
        caption=" ".join(told),
        found=found,
        modalities=most_first(found),
        tints=modality_colours(modalities),
        titles={own.method: evaluation.info(own.method).title or own.method for own in found},
        families={own.method: evaluation.info(own.method).family for own in found},
    )
