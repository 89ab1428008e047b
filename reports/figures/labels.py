"""Names beside points, placed so that they cover neither each other nor the points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from .style import MUTED, plain

Floats = npt.NDArray[np.float64]

_ANGLES = np.deg2rad(np.arange(0, 360, 30))
_DISTANCES = (5.0, 10.0, 17.0, 26.0, 38.0)
_LEADER_FROM = 12.0
_POINT = 4.0
_LINE = 1.5


def label_points(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    names: Sequence[str],
    colours: Sequence[str],
    avoid: tuple[Sequence[float], Sequence[float]] = ((), ()),
    beside: tuple[Sequence[float], Sequence[float]] = ((), ()),
) -> None:
    """Write each name near its point, in its colour, with a thin line where it had to move away.

    ``avoid`` are the corners of a line that names should not cross, ``beside`` points without names. The crowded points
    choose first. A place costs what it covers of names, points and the frame, and a little for its distance. Call when
    the axes' limits are final.
    """
    figure = axes.get_figure(root=True)
    if figure is None or not len(names):
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # placement is in pixels: the layout must not move any more
    pixel = figure.dpi / 72.0
    points: Floats = axes.transData.transform(np.column_stack([x, y]))
    frame = axes.get_window_extent()
    sizes = []
    for name, tint in zip(names, colours, strict=True):
        text = axes.text(0, 0, plain(name), fontsize=7, color=tint)
        extent = text.get_window_extent()
        sizes.append((extent.width, extent.height * 0.9))
        text.remove()
    gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    crowd = np.sort(gaps, axis=1)[:, 1 : min(4, len(points))].sum(axis=1) if len(points) > 1 else np.zeros(1)
    reach = _POINT * pixel
    marks = [*points, *axes.transData.transform(np.column_stack(beside))] if len(beside[0]) else [*points]
    taken = [Bbox.from_bounds(px - reach, py - reach, 2 * reach, 2 * reach) for px, py in marks]
    thin = _LINE * pixel
    taken += [Bbox.from_bounds(px - thin, py - thin, 2 * thin, 2 * thin) for px, py in _along(axes, *avoid)]
    for i in np.argsort(crowd):
        box, distance = _best_place(points[i], sizes[i], taken, frame, pixel)
        taken.append(box)
        center = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
        axes.annotate(
            plain(names[i]),
            xy=(x[i], y[i]),
            xytext=((center[0] - points[i][0]) / pixel, (center[1] - points[i][1]) / pixel),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7,
            color=colours[i],
            arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.4, "alpha": 0.7, "shrinkA": 0, "shrinkB": 2}
            if distance > _LEADER_FROM
            else None,
            annotation_clip=False,
        )


def _along(axes: Axes, x: Sequence[float], y: Sequence[float]) -> Floats:
    """Places in pixels a few points apart along a line through the corners: (k, 2)."""
    if len(x) < 2:
        return np.empty((0, 2))
    corners: Floats = axes.transData.transform(np.column_stack([x, y]))
    pieces = []
    for start, end in pairwise(corners):
        steps = max(2, int(np.hypot(*(end - start)) / (2 * _LINE * axes.get_figure(root=True).dpi / 72)))  # type: ignore[union-attr]
        pieces.append(start + np.linspace(0, 1, steps)[:, None] * (end - start))
    return np.concatenate(pieces)


def spread(values: Sequence[float], least: float) -> Floats:
    """The values moved as little as needed so that neighbours are at least ``least`` apart, in the same order.

    Pool-adjacent-violators on the values less their even spacing gives the least-squares answer.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(values, kind="stable")
    steps = least * np.arange(len(values))
    moved = np.empty(len(values))
    moved[order] = isotonic_regression(np.asarray(values, dtype=float)[order] - steps).x + steps
    return moved


def _best_place(
    point: Floats, size: tuple[float, float], taken: list[Bbox], frame: Bbox, pixel: float
) -> tuple[Bbox, float]:
    best: tuple[float, Bbox, float] | None = None
    width, height = size
    corners = np.array([[b.x0, b.y0, b.x1, b.y1] for b in taken])
    for distance in _DISTANCES:
        for angle in _ANGLES:
            reach = distance * pixel
            cx = point[0] + np.cos(angle) * (reach + width / 2)
            cy = point[1] + np.sin(angle) * (reach + height / 2)
            box = Bbox.from_bounds(cx - width / 2, cy - height / 2, width, height)
            across = np.clip(np.minimum(box.x1, corners[:, 2]) - np.maximum(box.x0, corners[:, 0]), 0, None)
            along = np.clip(np.minimum(box.y1, corners[:, 3]) - np.maximum(box.y0, corners[:, 1]), 0, None)
            outside = sum(
                max(0.0, v) for v in (frame.x0 - box.x0, box.x1 - frame.x1, frame.y0 - box.y0, box.y1 - frame.y1)
            )
            price = 4 * float((across * along).sum()) + 50 * outside + reach * 2 + abs(np.sin(angle)) * 2
            if best is None or price < best[0]:
                best = (price, box, distance)
    if best is None:
        raise AssertionError("there is always a place to try")
    return best[1], best[2]
