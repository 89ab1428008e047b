"""A learnt graph: variables on a ring by modality, the class in the middle, edges by how many splits found them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from ..evaluation import Evaluation, TaskEvaluation
from ..models.structures import Link, Structures, direction, main_part
from ..table import MISSING
from .edges import Edge, draw_edges, ink, line_width
from .modality_colours import modality_colours
from .ring_layout import middle, ring, spot
from .style import INK, MUTED, PAPER, new_figure, plain, shorten, style

MOST = 30
"""Variables on a ring that can still be read in print; latent ones stand inside and do not count."""
RARE = 1 / 3
"""Edges found in this share of the splits or less are not drawn: they are what chance makes of a sample."""

_WIDTH, _HEIGHT, _TITLE, _LEGEND = 4.6, 4.85, 0.22, 0.42
"""Inches: the figure, its title and its legend."""
_LEAST_RING, _LARGEST_RING, _BEYOND = 0.9, 1.5, 1.1
"""Inches: the ring's radius at least and at most; and where labels begin, in radii."""
_LEGEND_STYLE: Mapping[str, Any] = {
    "ncols": 8, "fontsize": 6.8, "handlelength": 1.4, "columnspacing": 1.2, "handletextpad": 0.4, "borderpad": 0,
    "borderaxespad": 0,
}  # fmt: skip
_CLASS, _LATENT, _FEATURE = 24.0, 11.0, 7.0
"""Points across: the class, a latent variable and a feature."""
_LABEL, _FONT = 18, 6.6
_RADIAL_FROM = 13
_SHARED = "#5c6670"
_INNER, _CLEAR = 0.48, 0.26
"""In radii of the ring: where latent variables stand, and how near to the middle edges of others may come."""


@dataclass(frozen=True)
class StructureFigure:
    """The graph of one method on one task. ``tints``: colours by modality; ``shown``: the variables that are drawn."""

    name: str
    task: str
    title: str
    found: Structures
    tints: Mapping[str, str]
    shown: tuple[str, ...]

    @property
    def caption(self) -> str:
        """What is drawn, what is not, and how far the splits agree."""
        found, links = self.found, self.found.links
        told = [f"{self.title} on {self.task}: the graphs of {found.splits} splits laid over each other."]
        hidden = len(links) - len(self._links)
        others = len(found.variables) - len(self.shown) - bool(found.target)
        if hidden or others:
            parts = [f"{others:,} of {others + len(self.shown):,} variables"] if others else []
            parts += [f"{hidden:,} of {len(links):,} edges"] if hidden else []
            told.append(f"Not drawn: {' and '.join(parts)}.")
        return " ".join([*told, stability(found)])

    def frame(self) -> pd.DataFrame:
        """One row for each edge of any split: its ends, modalities, splits by direction, and whether it is drawn.

        For edges with a direction ``from`` and ``to`` are those of most splits.
        """
        drawn, variables = set(self._links), self.found.variables
        lines = []
        for link in self.found.links:
            ends = (link.first, link.second)
            a, b = reversed(ends) if direction(link) == "backward" else ends
            lines.append(
                {
                    "from": a,
                    "from_modality": variables[a].modality,
                    "to": b,
                    "to_modality": variables[b].modality,
                    "share": link.count / self.found.splits,
                    "count": link.count,
                    "splits": self.found.splits,
                    "in_this_direction": max(link.forward, link.backward),
                    "drawn": link in drawn,
                }
            )
        return pd.DataFrame(lines)

    def plot(self) -> Figure:
        """Ring, class and edges with a legend below."""
        with style():
            figure = new_figure(_WIDTH, _HEIGHT)
            figure.set_layout_engine("none")  # every graph at the same scale, whatever its labels
            axes = figure.add_axes((0, _LEGEND / _HEIGHT, 1, 1 - (_LEGEND + _TITLE) / _HEIGHT))
            axes.set_axis_off()
            right, up = self._reach
            axes.set(xlim=(-right, right), ylim=(-up, up))
            figure.text(0.02, 1 - 0.3 * _TITLE / _HEIGHT, plain(shorten(self.title, 60)), fontsize=8.5, va="top")
            angles, spots = self._places
            clear = 0.0 if self.found.by_design else _CLEAR  # nothing stands in the middle
            draw_edges(axes, [self._edge(link, spots) for link in self._links], right / (_WIDTH / 2 * 72), clear)
            self._variables(axes, spots)
            for name, angle in angles.items():
                self._label(axes, name, angle)
            self._class(axes)
            for height, handles in ((0.5, self._kinds()), (0.03, self._strengths())):
                at = (0.5, height * _LEGEND / _HEIGHT)
                figure.legend(handles=handles, loc="lower center", bbox_to_anchor=at, **_LEGEND_STYLE)
        return figure

    @cached_property
    def _links(self) -> tuple[Link, ...]:
        inside = {*self.shown, self.found.target}
        return tuple(link for link in frequent(self.found) if link.ends <= inside)

    @cached_property
    def _places(self) -> tuple[Mapping[str, float], Mapping[str, tuple[float, float]]]:
        """The angles of what stands on the ring, and the spots of everything."""
        variables = self.found.variables
        latent = {name for name in self.shown if variables[name].role == "latent"}
        ties = [link.ends for link in self._links]
        # Latent variables stand inside, before what hangs on them; on the ring where nothing does.
        inner = [
            n for n in self.shown if n in latent and any(n in t and t - latent - {self.found.target} for t in ties)
        ]
        outer = [name for name in self.shown if name not in inner]
        order = list(dict.fromkeys([*self.tints, *(variables[n].modality for n in outer)]))
        groups = [sorted(n for n in outer if variables[n].modality == modality) for modality in order]
        angles = ring(groups, {(k.first, k.second): k.count / self.found.splits for k in self._links})
        spots = {name: spot(angle) for name, angle in angles.items()}
        for name in inner:
            spots[name] = spot(middle([angles[end] for t in ties if name in t for end in t if end in angles]), _INNER)
        return angles, {**spots, self.found.target: (0.0, 0.0)}

    def _edge(self, link: Link, spots: Mapping[str, tuple[float, float]]) -> Edge:
        way = direction(link)
        first, second = (link.second, link.first) if way == "backward" else (link.first, link.second)
        gaps = (0.5 * self._size(first) + 1.5, 0.5 * self._size(second) + 1.5)
        return Edge(spots[first], spots[second], gaps, link.count / self.found.splits, bool(way))

    def _size(self, name: str) -> float:
        role = self.found.variables[name].role
        return _CLASS if name == self.found.target else _LATENT if role == "latent" else _FEATURE

    def _variables(self, axes: Axes, spots: Mapping[str, tuple[float, float]]) -> None:
        variables = self.found.variables
        tints = {name: self.tints.get(variables[name].modality, _SHARED) for name in self.shown}
        latent = [name for name in self.shown if variables[name].role == "latent"]
        solid = [name for name in self.shown if name not in latent]
        if solid:
            x, y = zip(*(spots[name] for name in solid), strict=True)
            colours = [tints[name] for name in solid]
            axes.scatter(x, y, s=_FEATURE**2, facecolor=colours, edgecolor=PAPER, linewidth=0.6, zorder=4)
        if latent:
            x, y = zip(*(spots[name] for name in latent), strict=True)
            colours = [tints[name] for name in latent]
            axes.scatter(
                x, y, s=_LATENT**2, facecolor=PAPER, edgecolor=colours, linewidth=1.3, linestyle=(0, (2, 1.2)), zorder=4
            )
        alike = Counter(v.modality for v in variables.values() if v.role == "latent")
        for name in latent:
            if name not in self._places[0] and alike[variables[name].modality] > 1:  # else the colour tells
                text = plain(shorten(variables[name].label, 12))
                axes.annotate(
                    text, spots[name], (0, -7), textcoords="offset points", ha="center", va="top", fontsize=5.8
                )

    def _label(self, axes: Axes, name: str, angle: float) -> None:
        left = np.cos(angle) < -1e-9
        turn = (np.rad2deg(angle) + 180 * left) if self._radial else 0.0
        flat = not self._radial and abs(np.cos(angle)) < 0.2
        axes.text(
            *spot(angle, _BEYOND),
            self._text(name),
            rotation=turn,
            rotation_mode="anchor",
            ha="center" if flat else "right" if left else "left",
            va="center" if not flat else "bottom" if np.sin(angle) > 0 else "top",
            fontsize=_FONT,
        )

    def _text(self, name: str) -> str:
        return plain(shorten(self.found.variables[name].label, _LABEL)) or MISSING

    @property
    def _radial(self) -> bool:
        """Whether there are so many labels that they must stand like spokes."""
        return len(self._places[0]) >= _RADIAL_FROM

    @cached_property
    def _reach(self) -> tuple[float, float]:
        """How far the axes reach to the right and upwards, in radii of a ring that leaves room for the labels."""
        widths = [TextPath((0, 0), self._text(name), size=_FONT).get_extents().width for name in self._places[0]]
        right, up = _WIDTH / 2, (_HEIGHT - _LEGEND - _TITLE) / 2
        room = min(right, up) if self._radial else right
        radius = float(np.clip((room - max(widths) / 72) / _BEYOND, _LEAST_RING, _LARGEST_RING))
        return right / radius, up / radius

    def _class(self, axes: Axes) -> None:
        """The class in the middle; in a corner where every variable hangs on it and no edge of its own is drawn."""
        if not self.found.target:
            return
        corner = self.found.by_design
        right, up = self._reach
        aside = right * _CLASS / 72 / _WIDTH
        at = (-right + 1.4 * aside, up - 1.2 * aside) if corner else (0.0, 0.0)
        axes.scatter(*at, s=_CLASS**2, facecolor=INK, edgecolor=PAPER, linewidth=0.8, zorder=5)
        text = plain(shorten(self.found.target, 9))
        axes.text(*at, text, color=PAPER, fontsize=6.8 if len(text) < 7 else 5, ha="center", va="center", zorder=6)
        if corner:
            axes.text(at[0] + 1.3 * aside, at[1], "linked to\nevery variable", fontsize=6, color=MUTED, va="center")

    def _kinds(self) -> list[Line2D]:
        shown = [self.found.variables[name] for name in self.shown]
        there = {v.modality for v in shown}
        names = {m: plain(shorten(m, 72 // max(len(there), 3))) for m in there}
        handles = [_dot(tint, names[modality]) for modality, tint in self.tints.items() if modality in there]
        handles += [_dot(_SHARED, "no modality")] if "" in there else []
        if any(v.role == "latent" for v in shown):
            handles.append(Line2D([], [], ls="", marker="o", ms=7, mfc=PAPER, mec=_SHARED, mew=1, label="latent"))
        return handles

    def _strengths(self) -> list[Line2D]:
        """Lines as strong as the edges that the most, some and the fewest splits found."""
        counts = sorted({link.count for link in self._links}, reverse=True)
        picked = dict.fromkeys([counts[0], counts[len(counts) // 2], counts[-1]] if counts else [])
        splits = self.found.splits
        return [
            Line2D(
                [], [], color=INK, lw=line_width(k / splits), alpha=ink(k / splits), label=f"in {k} of {splits} splits"
            )
            for k in picked
        ]


def structure_figure(evaluation: Evaluation, task: TaskEvaluation, found: Structures) -> StructureFigure | None:
    """The figure of one method; None where no edge is found often enough to be drawn."""
    shown = main_part(found, frequent(found), MOST)
    if not shown:
        return None
    return StructureFigure(
        name=f"structure-{task.info.name}-{found.method}",
        task=task.info.title or task.info.name,
        title=evaluation.info(found.method).title or found.method,
        found=found,
        tints=modality_colours([name for name, _, _ in task.info.modalities]),
        shown=shown,
    )


def frequent(found: Structures) -> tuple[Link, ...]:
    """The edges that are found often enough to be drawn."""
    return tuple(link for link in found.links if link.count > RARE * found.splits + 1e-9)


def stability(found: Structures) -> str:
    """How far the splits agree, as a sentence."""
    if found.splits < 2:
        return "One split only: nothing is known of how stable the edges are."
    edges = len(found.links)
    if found.in_all == edges:
        which = f"All {edges:,} edges are" if edges > 1 else "The one edge is"
        return f"{which} found in all {found.splits} splits."
    return (
        f"Of {edges:,} different edges {found.in_all:,} ({100 * found.in_all / edges:.0f} %) are found in all "
        f"{found.splits} splits; two splits share {100 * found.jaccard:.0f} % of their edges on average (Jaccard)."
    )


def _dot(tint: str, label: str) -> Line2D:
    return Line2D([], [], ls="", marker="o", ms=6, mfc=tint, mec="none", label=label)
