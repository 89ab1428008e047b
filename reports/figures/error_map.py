"""Errors by row and method: rows that nobody gets right stand out as dark columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from .style import INK, PAPER, RULE, new_figure, plain, shorten, style

_INKS = LinearSegmentedColormap.from_list("errors", ["#eef1f4", "#7d94ad", INK])


@dataclass(frozen=True)
class ErrorMapFigure:
    """``table``: a line a row, hardest first within its class: id, class, mistaken, share, then a column a method."""

    name: str
    caption: str
    table: pd.DataFrame
    titles: Mapping[str, str]

    def frame(self) -> pd.DataFrame:
        """One line for each row that is drawn, with the share of wrong predictions of each method."""
        return self.table.copy()

    def plot(self) -> Figure:
        """Methods from top to bottom, rows from left to right, classes side by side."""
        values = self.table[list(self.titles)].to_numpy(dtype=np.float64).T
        classes = self.table["class"].to_numpy()
        with style():
            figure = new_figure(7.4, 1.0 + 0.17 * max(len(values), 3))
            axes = figure.subplots()
            image = axes.imshow(values, aspect="auto", cmap=_INKS, vmin=0, vmax=1, interpolation="nearest")
            axes.set_yticks(range(len(values)), [plain(shorten(t, 30)) for t in self.titles.values()])
            starts = np.flatnonzero(np.r_[True, classes[1:] != classes[:-1]])
            ends = np.r_[starts[1:], len(classes)]
            for start in starts[1:]:
                axes.axvline(start - 0.5, color=PAPER, lw=2.5)
            axes.set_xticks((starts + ends - 1) / 2, [plain(shorten(str(classes[s]), 16)) for s in starts])
            axes.tick_params(length=0)
            for spine in axes.spines.values():
                spine.set_color(RULE)
            bar = figure.colorbar(image, ax=axes, fraction=0.02, pad=0.01, ticks=[0, 0.5, 1])
            bar.set_label("share of wrong predictions")
            bar.outline.set_visible(False)
        return figure
