"""Lines of several methods in one frame: risk against coverage, net benefit against the threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .style import INK, MUTED, colour, new_figure, plain, shorten, style, tidy

_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))


@dataclass(frozen=True)
class CurvesFigure:
    """``lines``: method, x, y in long form. ``families``, ``titles`` by method; ``references`` grey, by name."""

    name: str
    caption: str
    lines: pd.DataFrame
    families: Mapping[str, str]
    titles: Mapping[str, str]
    x_label: str
    y_label: str
    references: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    floor: float | None = None

    def frame(self) -> pd.DataFrame:
        """Every point of every line, references last."""
        more = [pd.DataFrame({"method": name, "x": x, "y": y}) for name, (x, y) in self.references.items()]
        return pd.concat([self.lines, *more], ignore_index=True)

    def plot(self) -> Figure:
        """One line a method; lines of one family differ by their dashes."""
        with style():
            figure = new_figure(6.3, 3.9)
            axes = figure.subplots()
            tidy(axes)
            seen: dict[str, int] = {}
            for name, (x, y) in self.references.items():
                axes.plot(x, y, color=MUTED if seen else INK, lw=0.9, alpha=0.7, label=name)
            for method, own in self.lines.groupby("method", sort=False):
                family = self.families[str(method)]
                dash = _DASHES[seen.get(family, 0) % len(_DASHES)]
                seen[family] = seen.get(family, 0) + 1
                label = plain(shorten(self.titles[str(method)], 30))
                axes.plot(own["x"], own["y"], color=colour(family), ls=dash, lw=1.4, label=label)
            axes.set_xlabel(self.x_label)
            axes.set_ylabel(self.y_label)
            if self.floor is not None:
                top = float(self.lines["y"].max()) if len(self.lines) else 1.0
                axes.set_ylim(self.floor, max(top, 0.0) * 1.08 + 0.01)
            axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=7)
        return figure
