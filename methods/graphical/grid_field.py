"""A field of hidden labels over the windows of an image, one a class: neighbours agree, and the class is inferred."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from fusebench.datasets.samples import Modality

from ..card import MethodCard
from ..space import Real, SearchSpace, Whole
from ..vectors import Codes, Floats
from .gaussian import GaussianFactor
from .generative import Factor, Factored
from .hidden_field import HiddenField, smoothed
from .latent_tree import Expected, Prior
from .tables import conditional_mutual_information
from .tree import spanning_tree

if TYPE_CHECKING:
    from fusebench.datasets.task import Task

_PICTURES = ("image", "volume")


@dataclass(kw_only=True, eq=False, repr=False)
class GridField(Factored):
    """p(c) prod_m p(image_m | c), with a hidden label for each window of a grid on image m.

    A window's values are, for each channel, its mean and its standard deviation; they are Gaussian
    given the label, and a label looks the same everywhere and in all classes. The class decides which labels are
    likely at each window and which labels neighbours have together: the labels are a Markov field on the tree of
    neighbouring windows that carries most information between neighbours given the class, so that all sums are
    exact. (The whole grid has cycles; half of its edges are left out.) EM starts from one clustering of all windows.
    Absent modalities and missing windows are summed out exactly. Tables beside the images enter as Gaussian naive
    Bayes, see ``gaussian.GaussianFactor``.

    Parameters
    ----------
    grid: windows along each side of an image, fewer where it has fewer pixels; a volume has about as many windows.
    states: hidden labels.
    coupling: False cuts all edges: windows are then independent given the class.
    strength: rows that a window's own label frequencies weigh in those given the neighbour's label, and that the common
        variance weighs in a table's column.
    alpha: pseudo-counts of a class, of a label, and of a table's category.
    max_iter: most steps of EM.
    others: see ``Factored``; the parts that repeat each other are windows.
    """

    card = MethodCard(
        name="grid-field",
        title="Grid Markov field",
        family="graphical",
        fusion="intermediate",
        summary="Hidden labels of image windows, tied to their neighbours and to the class; tables as naive Bayes.",
        citation="Besag 1986 (Markov fields of labels); Chow and Liu 1968 (trees)",
        inferred=(
            "a spanning tree of the grid for exact sums; windows' means and spreads; labels look alike in all classes; "
            "likelihoods to powers learnt out of fold, since windows are less independent than assumed"
        ),
        kinds=("image", "volume", "table", "phenotype"),
    )

    grid: int = 8
    states: int = 4
    coupling: bool = True
    strength: float = 2.0
    alpha: float = 0.5
    max_iter: int = 5

    def _factor(self, modality: Modality) -> Factor:
        if modality.kind in _PICTURES:
            return Windows(self.grid, self.states, self.coupling, self.strength, self.alpha, self.max_iter)
        return GaussianFactor(self.strength, self.alpha)

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Tasks without an image or volume, beside what the card excludes."""
        if not any(m.kind in _PICTURES for m in task.samples.modalities):
            return "needs an image or a volume: it is a model of windows and their neighbours"
        return super().skip(task)

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Labels, and how far windows are drawn towards independence."""
        return {"states": Whole(2, 8), "strength": Real(1.0, 100.0, log=True)}


class Windows(HiddenField):
    """Fields of labels over the windows of one modality; parameters as of ``GridField``."""

    hidden = "labels"
    common_emissions = True

    def __init__(self, grid: int, states: int, coupling: bool, strength: float, alpha: float, max_iter: int) -> None:
        super().__init__(states, coupling, strength, alpha, max_iter)
        self.grid = grid

    def _points(self, modality: Modality) -> Floats:
        """Windows in reading order, (n, windows, features)."""
        values = modality.values.astype(np.float64)
        axes = 3 if modality.kind == "volume" else 2
        space = values.shape[max(values.ndim - axes, 1) :]
        most = max(1, int(self.grid ** (2 / len(space)) + 1e-9))
        self._sides = tuple(min(side, most) for side in space)
        channels = values.reshape(len(values), -1, *space)
        known = ~np.isnan(channels)
        counts = np.maximum(self._summed(known.astype(np.float64)), np.finfo(float).tiny)
        mean = self._summed(np.where(known, channels, 0.0)) / counts
        mean[counts < 1] = np.nan
        features = [mean]
        if any(side > windows for side, windows in zip(space, self._sides, strict=True)):
            centred = np.where(known, channels - self._spread(mean, space), 0.0)
            deviation = np.sqrt(self._summed(centred**2) / counts)
            deviation[counts < 1] = np.nan
            features.append(deviation)
        n, windows = len(values), int(np.prod(self._sides))
        return np.concatenate([f.reshape(n, -1, windows) for f in features], axis=1).transpose(0, 2, 1)

    def _starts(self, space: tuple[int, ...]) -> list[Codes]:
        """Where the windows begin along each axis."""
        return [np.arange(w) * side // w for side, w in zip(space, self._sides, strict=True)]

    def _summed(self, values: Floats) -> Floats:
        """Sums over windows: (n, channels, *space) to (n, channels, *windows)."""
        for axis, starts in enumerate(self._starts(values.shape[2:]), start=2):
            values = np.add.reduceat(values, starts, axis=axis)
        return values

    def _spread(self, values: Floats, space: tuple[int, ...]) -> Floats:
        """The windows' values at each of their pixels."""
        for axis, (starts, side) in enumerate(zip(self._starts(space), space, strict=True), start=2):
            values = np.repeat(values, np.diff(starts, append=side), axis=axis)
        return values

    def _graph(self, labels: Codes, codes: Codes) -> tuple[list[int], list[int]]:
        """The spanning tree of the grid with the most information between neighbours given the class."""
        levels = np.full(labels.shape[1], int(labels.max()) + 1)
        information = conditional_mutual_information(labels.astype(np.int16), codes, levels, self.k_)
        parents = spanning_tree(np.where(neighbours(self._sides), information, -1.0)).tolist()
        return ancestors_first(parents), parents

    def _maximised(self, counts: Expected, base: Expected) -> Prior:
        T, k, S = counts.totals.shape
        alone = smoothed(counts.totals, base.totals[:, None, :], self.alpha * S)
        tables = np.broadcast_to(alone[:, :, None, :], (T, k, S, S))
        if self.coupling:
            tables = (counts.pairs + self.strength * tables) / (counts.pairs.sum(axis=3, keepdims=True) + self.strength)
        return Prior(self.order_, self.parents_, alone[self.order_[0]], tables)

    def _free(self, states: int) -> int:
        edges = len(self.parents_) - 1 if self.coupling else 0
        return self.k_ * (states - 1) * (len(self.parents_) + edges * (states - 1))


def neighbours(sides: tuple[int, ...]) -> np.ndarray:
    """Which pairs of the windows of a grid, in reading order, share a side: (T, T) of booleans."""
    place = np.arange(int(np.prod(sides))).reshape(sides)
    near = np.zeros((place.size, place.size), dtype=bool)
    for axis, side in enumerate(sides):
        for a, b in pairwise(range(side)):
            one, other = place.take(a, axis=axis).ravel(), place.take(b, axis=axis).ravel()
            near[one, other] = near[other, one] = True
    return near


def ancestors_first(parents: list[int]) -> list[int]:
    """The nodes of a tree with every parent before its children."""
    depth = [0] * len(parents)
    for node, parent in enumerate(parents):
        while parent >= 0:
            depth[node] += 1
            parent = parents[parent]
    return sorted(range(len(parents)), key=lambda node: depth[node])
