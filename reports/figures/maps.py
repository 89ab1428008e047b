"""Where networks looked in images, volumes and signals: mean maps, one row a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

from ..evaluation import Evaluation, TaskEvaluation
from ..models.attributions import MapKind, Maps
from .modality_colours import modality_colours
from .modality_panels import name_panel
from .style import INK, MUTED, RULE, new_figure, plain, shorten, style

MOST = 3
_LEAST = "#f1f3f5"
_TITLES: Mapping[MapKind, str] = {"cam": "Grad-CAM", "gradient": "gradients"}


@dataclass(frozen=True)
class MapsFigure:
    """``maps``: of all methods, the best first; ``methods``: those that are drawn; ``titles`` are by method."""

    name: str
    caption: str
    maps: tuple[Maps, ...]
    methods: tuple[str, ...]
    tints: Mapping[str, str]
    titles: Mapping[str, str]

    def frame(self) -> pd.DataFrame:
        """One row for each method, modality, kind of map and position: mean over splits, 1 at most, and its spread."""
        return pd.DataFrame.from_records(
            [
                {
                    "method": own.method,
                    "modality": own.modality,
                    "map": own.kind,
                    "position": ",".join(map(str, place)),
                    "mean": value,
                    "sd": own.sd[place],
                    "splits": len(own.values),
                }
                for own in self.maps
                for place, value in np.ndenumerate(own.mean)
            ]
        )

    def plot(self) -> Figure:
        """Methods from top to bottom, modalities and kinds of map from left to right."""
        columns = self._columns()
        with style():
            figure = new_figure(min(1.0 + 1.3 * len(columns), 7.4), 0.5 + 1.15 * len(self.methods))
            grid = figure.subplots(len(self.methods), len(columns), squeeze=False)
            for row, method in zip(grid, self.methods, strict=True):
                for axes, (modality, kind) in zip(row, columns, strict=True):
                    found = self._map(method, modality, kind)
                    _bare(axes)
                    if found is not None:
                        _draw(axes, found, self.tints[modality])
                row[0].set_ylabel(plain(shorten(self.titles[method], 22)), fontsize=7)
            for axes, (modality, kind) in zip(grid[0], columns, strict=True):
                name_panel(axes, modality, self.tints[modality])
                axes.annotate(_TITLES[kind], (0, 1), (0, 15), "axes fraction", "offset points", color=MUTED, fontsize=7)
        return figure

    def _columns(self) -> list[tuple[str, MapKind]]:
        there = {(own.modality, own.kind) for own in self.maps if own.method in self.methods}
        kinds: Sequence[MapKind] = ("cam", "gradient")
        return [(name, kind) for name in self.tints for kind in kinds if (name, kind) in there]

    def _map(self, method: str, modality: str, kind: MapKind) -> Maps | None:
        wanted = (method, modality, kind)
        return next((own for own in self.maps if (own.method, own.modality, own.kind) == wanted), None)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw(axes: Axes, own: Maps, tint: str) -> None:
    """A signal as a line with its spread, an image as it is, a volume as its mean over the first side."""
    mean = own.mean
    if mean.ndim == 1:
        at = np.arange(len(mean))
        axes.fill_between(at, mean - own.sd, mean + own.sd, color=tint, alpha=0.2, linewidth=0)
        axes.plot(at, mean, color=tint)
        axes.axhline(0.0, color=RULE, lw=0.8)
        axes.set_box_aspect(0.9)
        return
    deep = [0.5 * (a + b) for a, b in zip(to_rgb(tint), to_rgb(INK), strict=True)]
    shades = LinearSegmentedColormap.from_list("map", [to_rgb(_LEAST), to_rgb(tint), deep])
    axes.imshow(mean.mean(axis=0) if mean.ndim == 3 else mean, cmap=shades, vmin=0.0, interpolation="nearest")


def maps_figure(evaluation: Evaluation, task: TaskEvaluation, maps: tuple[Maps, ...]) -> MapsFigure | None:
    """The figure of one task; None where no method has maps."""
    methods = tuple(dict.fromkeys(own.method for own in maps))
    if not methods:
        return None
    volumes = any(own.values.ndim == 4 for own in maps)
    told = [
        f"Where the networks looked on {task.info.title or task.info.name}, averaged over test rows and splits, each "
        "map scaled by its largest value. Grad-CAM: what in the last grid of a residual CNN speaks for the predicted "
        "class. Gradients: absolute integrated gradients of its probability from the training mean, by position."
    ]
    if volumes:
        told.append("Volumes are averaged over their first side.")
    if len(methods) > MOST:
        told.append(f"Drawn are the {MOST} best methods of {len(methods)}; the data hold all.")
    return MapsFigure(
        name=f"maps-{task.info.name}",
        caption=" ".join(told),
        maps=maps,
        methods=methods[:MOST],
        tints=modality_colours(tuple(name for name, _, _ in task.info.modalities)),
        titles={method: evaluation.info(method).title or method for method in methods},
    )
