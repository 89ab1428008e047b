"""How all figures look: palette by family, type, and how a figure becomes a file or a piece of a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..files import write_bytes

INK, MUTED, RULE, PAPER = "#1c2126", "#6a737d", "#d6dbe0", "#ffffff"

# Okabe and Ito's colours, which colour-blind readers tell apart; markers tell the fusion point.
FAMILY_COLOURS: Mapping[str, str] = {
    "baseline": "#7a828b",
    "kernel": "#0072b2",
    "graphical": "#009e73",
    "boosting": "#d08700",
    "ensemble": "#5f4bb6",
    "neural": "#d55e00",
    "cnn": "#c05a94",
    "vit": "#3fa0d8",
    "gnn": "#8a6d1d",
    "other": "#1c2126",
}
FUSION_MARKERS: Mapping[str, str] = {
    "none": "o",
    "early": "s",
    "intermediate": "D",
    "late": "^",
    "hybrid": "P",
    "unknown": "X",
}

_STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": RULE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.titlelocation": "left",
    "figure.facecolor": PAPER,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "text.hinting": "none",  # or the room a label needs depends on the resolution, and the layout fits only one
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.2,
    "svg.fonttype": "none",
    "svg.hashsalt": "fusebench",
    "pdf.fonttype": 42,
    "savefig.facecolor": PAPER,
}

_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", PAPER: "var(--paper)"}


class Picture(Protocol):
    """A figure: what it shows as a frame, and its drawing apart from it."""

    @property
    def name(self) -> str:
        """Stem of its files, unique in a report."""
        ...

    @property
    def caption(self) -> str:
        """What stands below it."""
        ...

    def frame(self) -> pd.DataFrame:
        """The numbers that the figure shows."""
        ...

    def plot(self) -> Figure:
        """The drawing, through matplotlib's object interface: no global figure is opened."""
        ...


def wide(picture: Picture) -> bool:
    """Whether a figure needs the whole width of a page: grids of panels."""
    return picture.name.startswith(("reliability-", "shares-", "contributions-", "features-", "maps-", "errors-"))


def style() -> Any:
    """A context in which figures are made and saved in the house style."""
    return mpl.rc_context(cast(Any, _STYLE))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, with a layout that keeps labels inside. Call within ``style()``."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def tidy(axes: Axes) -> None:
    """A light grid behind the data and no tick marks."""
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


def settle(figure: Figure) -> None:
    """Lay the figure out once and keep it so: every file shows the same, and none pays for the layout again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        with style():
            engine.execute(figure)  # what drawing does first; a whole drawing for its sake takes twice as long
            figure.set_layout_engine("none")


def svg(figure: Figure) -> str:
    """The figure as a stand-alone SVG document; the same figure gives the same text."""
    settle(figure)
    with style():
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"font: ([^;\"]*?)'DejaVu Sans'[^;\"]*", rf"font: \1{_FONTS}", buffer.getvalue())


def inline_svg(document: str, prefix: str, label: str) -> str:
    """The document that ``svg`` gave as an ``<svg>`` element, with ids of its own and inks of the page's theme.

    ``prefix`` must be unique in the page; ``label`` is read out instead of the picture and must be escaped already.
    """
    text = document[document.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", text)
    text = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{prefix}-\1"', text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    # Hundredths of a point are enough for coordinates, and halve the size; words between tags keep their digits.
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d+\.\d{2})\d+", r"\1", tag.group()), text)
    head = re.match(r'<svg[^>]*?viewBox="([^"]+)"[^>]*>', text)
    if head is None:
        raise ValueError("matplotlib wrote an SVG without a view box")
    width = float(head.group(1).split()[2])
    opening = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{head.group(1)}" role="img" aria-label="{label}" '
        f'style="max-width:{width * 1.45:.0f}px">'
    )
    return opening + text[head.end() :].replace("\n", " ").strip()


def save(figure: Figure, stem: Path) -> str:
    """Write SVG and PDF beside each other, and return the SVG document."""
    document = svg(figure)
    write_bytes(stem.with_suffix(".svg"), document.encode())
    with style():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None})
        write_bytes(stem.with_suffix(".pdf"), buffer.getvalue())
    return document


def records(frame: pd.DataFrame) -> Iterable[Any]:
    """The rows of a frame as named tuples."""
    return frame.itertuples()


def colour(family: str) -> str:
    """The colour of a family."""
    return FAMILY_COLOURS.get(family, FAMILY_COLOURS["other"])


def marker(fusion: str) -> str:
    """The marker of a fusion point."""
    return FUSION_MARKERS.get(fusion, FUSION_MARKERS["unknown"])


def key_handles(families: Iterable[str], fusions: Iterable[str]) -> list[Line2D]:
    """What a legend needs to tell families by colour and fusion points by marker, each once."""
    used = set(fusions)
    tints = [Line2D([], [], ls="", marker="s", ms=6, color=colour(f), label=f) for f in dict.fromkeys(families)]
    points = [
        Line2D([], [], ls="", marker=marker(f), ms=5.5, color=MUTED, label="no fusion" if f == "none" else f)
        for f in FUSION_MARKERS
        if f in used
    ]
    return [*tints, *points]


def plain(text: str) -> str:
    """Text from data or plugins that matplotlib must not read as mathematics."""
    return " ".join(str(text).split()).replace("$", r"\$")


def shorten(text: str, most: int) -> str:
    """Text cut to a number of characters, with an ellipsis where something is left out."""
    single = " ".join(str(text).split())
    return single if len(single) <= most else single[: most - 1].rstrip() + "…"
