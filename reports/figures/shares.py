"""Shares of the modality weights: one panel a modality, one line a method, every split behind its mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..evaluation import Evaluation, TaskEvaluation
from ..models.modality_shares import MethodShares, by_weight
from .modality_colours import modality_colours
from .modality_panels import Line, Mark, Panels


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
        upper = max(1.5 / len(self.modalities), *(float(own.values.max()) for own in self.shares))
        return Panels(
            lines=[Line(self.titles[own.method], self.families[own.method], own.guessing) for own in self.shares],
            modalities=self.modalities,
            tints=self.tints,
            mark=self._mark,
            limits=(0.0, upper * 1.04),
            reference=1 / len(self.modalities),
            label="share of the method's modality weights",
        ).plot()

    def _mark(self, place: int, modality: str) -> Mark:
        own = self.shares[place]
        m = own.modalities.index(modality)
        mean, sd = float(own.mean[m]), float(own.sd[m])
        ends = (mean - sd, mean + sd)
        low, high = (min(max(end, 0.0), 1.0) if np.isfinite(sd) else np.nan for end in ends)
        return Mark(mean, low, high, own.values[:, m], "D" if own.fixed else "o")


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
