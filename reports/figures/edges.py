"""Edges of a drawn graph: curves that stop at their ends' rims, with arrowheads; few artists, so that it draws fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.path import Path

from .style import INK

Floats = npt.NDArray[np.float64]
Spot = tuple[float, float]

_STEPS = np.linspace(0.0, 1.0, 201)
_HEAD = np.array([4.6, 3.4])
"""Points: length and width of an arrowhead."""


@dataclass(frozen=True)
class Edge:
    """A curve from ``start`` to ``end``, in radii of a ring around the middle.

    ``gaps``: points that it keeps from the middle of either end. ``share``, above 0 and up to 1: how strong it is.
    ``arrow``: whether it has a head at its end.
    """

    start: Spot
    end: Spot
    gaps: tuple[float, float]
    share: float
    arrow: bool


def draw_edges(axes: Axes, edges: Sequence[Edge], point: float, clear: float) -> None:
    """Draw the curves, the strongest on top.

    Parameters
    ----------
    point: radii of the ring in a point. clear: how near to the middle a curve between two spots of the ring may come.
    """
    lines, heads, inks, head_inks, widths = [], [], [], [], []
    for edge in sorted(edges, key=lambda e: e.share):
        corners = np.array([edge.start, control(edge.start, edge.end, clear), edge.end])
        curve = _at(corners, _STEPS)
        first, last = (
            np.hypot(*(curve - corners[place]).T) >= gap * point for place, gap in zip((0, 2), edge.gaps, strict=True)
        )
        inside = np.flatnonzero(first & last)
        if not len(inside):
            continue  # the ends touch
        start, tip = _STEPS[inside[0]], curve[inside[-1]]
        length, width = _HEAD * point * (0.75 + 0.25 * edge.share)
        before = inside[np.hypot(*(curve[inside] - tip).T) >= 0.8 * length]
        stop = _STEPS[before[-1]] if edge.arrow and len(before) else _STEPS[inside[-1]]
        lines.append(_piece(corners, float(start), float(stop)))
        inks.append(to_rgba(INK, ink(edge.share)))
        widths.append(line_width(edge.share))
        if edge.arrow:
            back = _at(corners, np.array([max(stop - 0.02, 0.0)]))[0] - tip
            back = back / np.hypot(*back)
            base, aside = tip + length * back, width / 2 * np.array([-back[1], back[0]])
            heads.append([tip, base + aside, base - aside])
            head_inks.append(inks[-1])
    axes.add_collection(PathCollection(lines, facecolors="none", edgecolors=inks, linewidths=widths), autolim=False)
    axes.add_collection(PolyCollection(heads, facecolors=head_inks, edgecolors="none", zorder=1.5), autolim=False)


def line_width(share: float) -> float:
    """Points."""
    return 0.4 + 1.0 * share**1.5


def ink(share: float) -> float:
    """Opacity."""
    return 0.18 + 0.72 * share**1.5


def control(start: Spot, end: Spot, clear: float) -> Spot:
    """The control point of a quadratic curve between two spots.

    A chord of the ring is drawn inwards, the more the longer it is, but its middle never within ``clear``; lines from
    or to spots inside the ring are straight.
    """
    a, b = np.array(start), np.array(end)
    half, step = (a + b) / 2, b - a
    length, height = float(np.hypot(*step)), float(np.hypot(*half))
    if length < 1e-9 or min(np.hypot(*a), np.hypot(*b)) < 0.9:
        return float(half[0]), float(half[1])
    outwards = half / height if height > 1e-9 else np.array([step[1], -step[0]]) / length
    # The curve's middle lies half as far from the chord as its control point.
    bulge = max(height * (0.94 - 0.12 * length), clear) - height
    x, y = half + 2 * bulge * outwards
    return float(x), float(y)


def _at(corners: Floats, t: Floats) -> Floats:
    """Points (len(t), 2) of the quadratic Bezier curve with these corners (3, 2)."""
    weights = np.stack([(1 - t) ** 2, 2 * t * (1 - t), t**2], axis=1)
    return weights @ corners


def _piece(corners: Floats, start: float, stop: float) -> Path:
    """The part of the curve between two parameters, which is a quadratic curve itself."""
    ends = _at(corners, np.array([start, stop]))
    weights = np.array([(1 - start) * (1 - stop), start * (1 - stop) + stop * (1 - start), start * stop])
    return Path([ends[0], weights @ corners, ends[1]], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
