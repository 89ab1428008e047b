"""The features that moved the predictions of networks: one panel a modality, the best network with its spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..evaluation import Evaluation, TaskEvaluation
from ..models.attributions import Features, strongest
from .modality_colours import modality_colours
from .modality_panels import name_panel
from .style import MUTED, new_figure, plain, shorten, style

MOST = 8
_COLUMNS = 3


@dataclass(frozen=True)
class FeaturesFigure:
    """``features``: of all methods, the best first; ``shown``: by modality, the features from top to bottom."""

    name: str
    caption: str
    features: tuple[Features, ...]
    shown: Mapping[str, tuple[str, ...]]
    tints: Mapping[str, str]

    def frame(self) -> pd.DataFrame:
        """One row for each method, modality and stored feature: mean attribution, mean and spread of its share."""
        return pd.DataFrame.from_records(
            [
                {
                    "method": own.method,
                    "modality": own.modality,
                    "feature": name,
                    "mean": own.values[:, place].mean(),
                    "share": own.share[name],
                    "share_sd": own.sd[name],
                    "splits": len(own.values),
                    "shown": name in self.shown[own.modality],
                }
                for own in self.features
                for place, name in enumerate(own.names)
            ]
        )

    def plot(self) -> Figure:
        """Panels with scales of their own."""
        columns = min(_COLUMNS, len(self.shown))
        rows = -(-len(self.shown) // columns)
        with style():
            lines = max(map(len, self.shown.values()))
            figure = new_figure(min(1.0 + 2.3 * columns, 7.4), rows * (0.5 + 0.17 * lines) + 0.3)
            grid = figure.subplots(rows, columns, squeeze=False)
            for axes, modality in zip(grid.flat, self.shown, strict=False):
                self._panel(axes, modality)
            for axes in list(grid.flat)[len(self.shown) :]:
                axes.set_visible(False)
            figure.supxlabel("share of what was attributed within the modality", fontsize=8)
        return figure

    def _panel(self, axes: Axes, modality: str) -> None:
        names, tint = self.shown[modality], self.tints[modality]
        best, *others = [own for own in self.features if own.modality == modality]
        axes.set_axisbelow(True)
        axes.grid(True, axis="x")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        name_panel(axes, modality, tint)
        for place, name in enumerate(names):
            mean, sd = best.share.get(name, 0.0), best.sd.get(name, float("nan"))
            axes.barh(place, mean, height=0.56, color=tint, alpha=0.2, linewidth=0)
            if np.isfinite(sd) and sd > 0:
                axes.plot([max(mean - sd, 0.0), mean + sd], [place] * 2, color=tint, lw=1.4, solid_capstyle="round")
            known = [own.share[name] for own in others if name in own.share]
            axes.scatter(known, [place] * len(known), s=5, color=MUTED, alpha=0.6, linewidth=0)
            axes.scatter(mean, place, s=20, color=tint, linewidth=0, zorder=3)
        axes.set_yticks(range(len(names)), [plain(shorten(name, 20)) for name in names])
        axes.set_ylim(max(map(len, self.shown.values())) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter("{x:g}")


def features_figure(
    evaluation: Evaluation, task: TaskEvaluation, features: tuple[Features, ...]
) -> FeaturesFigure | None:
    """The figure of one task; None where no named feature has an attribution."""
    modalities = tuple(name for name, _, _ in task.info.modalities)
    told = {own.modality for own in features}
    if not told:
        return None
    best = evaluation.info(features[0].method).title or features[0].method
    return FeaturesFigure(
        name=f"features-{task.info.name}",
        caption=(
            f"The features that moved the predictions of networks most on {task.info.title or task.info.name}: "
            "integrated gradients of the probability of the predicted class from the training mean, absolute values "
            f"averaged over test rows, as shares within the modality. Large dots and bars: {best}, the best of them, "
            "mean over splits; lines: one standard deviation over splits; small dots: the other networks. Panels have "
            "scales of their own."
        ),
        features=features,
        shown={name: tuple(strongest(features, name, MOST)) for name in modalities if name in told},
        tints=modality_colours(modalities),
    )
