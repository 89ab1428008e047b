"""Who the rows are beside their features: site, sex, age band and the like, to score methods group by group."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .samples import TABULAR
from .task import Task

MOST_LEVELS = 12
_MOST_COLUMNS = 60
_FEW = 6


@dataclass(frozen=True)
class Subgroups:
    """A way to group the rows.

    Parameters
    ----------
    name: of the column. labels: of the groups. codes: (n,) into the labels, -1 where it is not known.
    shown: whether reports show it unasked: the site, phenotypes, and what the task's file names.
    """

    name: str
    labels: tuple[str, ...]
    codes: npt.NDArray[np.int16]
    shown: bool


def subgroups_of(task: Task) -> tuple[Subgroups, ...]:
    """All groupings of a task: what its file names, sites, phenotypes, and the columns of tables that are not too wide.

    Numbers of more than six values become three bands of about equal size; a column with more than twelve groups is
    left out, as is one with a single group.
    """
    found = [_of(name, values, shown=True) for name, values in task.about.items()]
    if task.samples.sites is not None:
        found.append(_of("site", task.samples.sites.astype(str), shown=True))
    for modality in task.samples.modalities:
        if modality.kind not in TABULAR or (modality.kind == "table" and modality.width > _MOST_COLUMNS):
            continue
        values = modality.values
        for place, feature in enumerate(modality.features):
            cells = np.where(modality.present, values[:, place], np.nan)
            if feature in modality.categories:
                names = np.array([*modality.categories[feature], ""], dtype=object)
                column = names[np.where(np.isnan(cells), len(names) - 1, cells).astype(int)]
            else:
                column = np.array(["" if np.isnan(cell) else f"{cell:.12g}" for cell in cells], dtype=object)
            found.append(_of(f"{modality.name}.{feature}", column, shown=modality.kind == "phenotype"))
    return tuple(one for one in found if one is not None)


def bands(values: npt.ArrayLike, edges: Sequence[float]) -> npt.NDArray[np.object_]:
    """The band of each number (n,): "under a", "a to b", "b and over"; empty text for what is no number."""
    cells = [_number(value) for value in np.asarray(values, dtype=object)]
    texts = [f"{edge:g}" for edge in edges]
    names = [
        f"under {texts[0]}",
        *(f"{a} to {b}" for a, b in itertools.pairwise(texts)),
        f"{texts[-1]} and over",
    ]
    return np.array(
        ["" if np.isnan(c) else names[int(np.searchsorted(edges, c, side="right"))] for c in cells], dtype=object
    )


def _of(name: str, values: npt.ArrayLike, *, shown: bool) -> Subgroups | None:
    """Groups of texts; numbers of many values in bands. None where there are not two groups, or too many."""
    texts = np.array([str(value).strip() for value in np.asarray(values, dtype=object)], dtype=object)
    known = texts != ""
    numbers = np.array([_number(text) for text in texts[known]])
    if len(set(texts[known])) > _FEW and np.isfinite(numbers).all():
        edges = _round_edges(numbers)
        if not edges:
            return None
        texts = bands(texts, edges)
    levels = sorted(set(texts[known]))
    if not 2 <= len(levels) <= MOST_LEVELS:
        return None
    if not any(np.isnan(_start(level)) for level in levels):
        levels.sort(key=_start)
    code = {level: place for place, level in enumerate(levels)}
    return Subgroups(name, tuple(levels), np.array([code.get(text, -1) for text in texts], dtype=np.int16), shown)


def _start(level: str) -> float:
    """Where a number or a band of numbers begins; not a number for other names."""
    return -np.inf if level.startswith("under ") else _number(level.split(" ")[0])


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")


def _round_edges(values: npt.NDArray[np.float64]) -> list[float]:
    """The thirds of the values, in two digits, where that leaves rows on both sides."""
    edges = [float(f"{edge:.2g}") for edge in np.quantile(values, [1 / 3, 2 / 3])]
    return [edge for edge in dict.fromkeys(edges) if values.min() < edge <= values.max()]
