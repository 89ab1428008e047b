"""What each fusing method gains over the best single modality: a forest of paired intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .style import INK, PAPER, colour, marker, new_figure, plain, records, shorten, style, tidy

MOST = 30


@dataclass(frozen=True)
class GainsFigure:
    """``points``: method, title, family, fusion, gain, low, high, verdict; and what it gains over itself."""

    name: str
    caption: str
    points: pd.DataFrame
    label: str

    def frame(self) -> pd.DataFrame:
        """One row a fusing method, best first."""
        return self.points.copy()

    def plot(self) -> Figure:
        """Whiskers around gains; filled where the interval leaves zero out."""
        data = self.points.head(MOST)
        with style():
            figure = new_figure(6.3, 0.9 + 0.19 * max(len(data), 3))
            axes = figure.subplots()
            tidy(axes)
            axes.grid(False, axis="y")
            axes.axvline(0.0, color=INK, lw=0.8, alpha=0.6)
            for place, row in enumerate(records(data)):
                tint = colour(row.family)
                if np.isfinite(row.low):
                    axes.plot([row.low, row.high], [place, place], color=tint, lw=1.6, alpha=0.8)
                sure = row.verdict in ("gains", "loses")
                axes.scatter(
                    row.gain,
                    place,
                    s=34,
                    marker=marker(row.fusion),
                    facecolor=tint if sure else PAPER,
                    edgecolor=tint,
                    linewidth=1.0,
                    zorder=3,
                )
            axes.set_yticks(range(len(data)), [plain(shorten(m, 30)) for m in data["method"]])
            axes.set_ylim(len(data) - 0.4, -0.6)
            axes.set_xlabel(self.label)
        return figure
