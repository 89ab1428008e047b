"""Attributions of networks in short: the features, words and regions that counted, and mean maps of grids."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from fusebench.datasets.samples import TABULAR, Modality, Samples

from ..attribution import EMPTY, Attribution, Sizes
from .attribution import Array, integrated_gradients
from .grad_cam import grad_cam
from .shapes import Shape
from .words import PADDING, UNKNOWN, Vocabulary

if TYPE_CHECKING:
    from .network import NeuralMethod

MOST_FEATURES = 200
"""Features of a modality that are kept: those with the largest mean."""

MOST_POSITIONS = {1: 128, 2: 32, 3: 16}
"""By number of sides, the longest side of a kept map; longer ones are averaged over neighbours."""

# 128 MB: of large volumes few rows are looked at at a time.
_VALUES_AT_ONCE = 2**24
_GRIDS = ("image", "volume", "signal")
_POOL = {
    1: nn.functional.adaptive_avg_pool1d,
    2: nn.functional.adaptive_avg_pool2d,
    3: nn.functional.adaptive_avg_pool3d,
}


def attributions(method: NeuralMethod, samples: Samples) -> dict[str, Attribution]:
    """By modality, mean attributions of each row's predicted class over the rows that have the modality."""
    values_a_row = sum(shape.width for shape in method.inputs_.shapes_.values())
    step = max(1, _VALUES_AT_ONCE // values_a_row)
    sums: dict[str, _Sums] = {}
    for start in range(0, len(samples), step):
        part = samples[start : start + step]
        gradients, maps = integrated_gradients(method, part), grad_cam(method, part)
        for modality in part.modalities:
            rows, name = np.flatnonzero(modality.present), modality.name
            if len(rows):
                own = sums.setdefault(name, _Sums())
                cam = maps[name][rows] if name in maps else None
                own.add(method, modality.take(rows), method.inputs_.shapes_[name], gradients[name][rows], cam)
    return {name: own.mean() for name, own in sums.items()}


@dataclass
class _Sums:
    """Sums over rows of a modality's attributions: by feature, and by position without and with Grad-CAM."""

    rows: int = 0
    names: list[str] = field(default_factory=list)
    features: Array | None = None
    gradient: Array | None = None
    cam: Array | None = None

    def add(self, method: NeuralMethod, modality: Modality, shape: Shape, values: Array, cam: Array | None) -> None:
        """Add rows that all have the modality, (n, ...)."""
        self.rows += len(values)
        if shape.kind in _GRIDS:
            self.gradient = _plus(self.gradient, np.abs(values.reshape(-1, *shape.dims)).sum(axis=1))
            self.cam = self.cam if cam is None else _plus(self.cam, cam)
        else:
            self.names, values = _named(method, modality, shape, values)
            self.features = _plus(self.features, np.abs(values))

    def mean(self) -> Attribution:
        """The means over rows, of the largest features and of maps that are not too large."""
        gradient, cam = (EMPTY if grid is None else _small(grid / self.rows) for grid in (self.gradient, self.cam))
        sizes = np.zeros(0) if self.features is None else self.features / self.rows
        order = np.argsort(-sizes, kind="stable")[:MOST_FEATURES]
        return Attribution(tuple(self.names[i] for i in order), sizes[order].astype(np.float32), gradient, cam)


def _plus(total: Array | None, values: Array) -> Array:
    summed = values.sum(axis=0)
    return summed if total is None else total + summed


def _named(method: NeuralMethod, modality: Modality, shape: Shape, values: Array) -> tuple[list[str], Array]:
    """Names of a row's features, and their values (n, features)."""
    if modality.kind in TABULAR:
        return list(modality.features), values
    vocabulary = method.inputs_.scalers_.get(modality.name)
    if isinstance(vocabulary, Vocabulary):
        return _by_word(vocabulary, modality, values)
    if shape.kind == "connectivity" and not shape.directed:
        # The upper triangle speaks for both halves.
        first, second = np.triu_indices(shape.dims[0])
        both = values + values.swapaxes(1, 2) * (1 - np.eye(shape.dims[0]))
        return [f"{a}-{b}" for a, b in zip(first, second, strict=True)], both[:, first, second]
    sides = modality.shape[1:]
    places = np.stack(np.unravel_index(np.arange(modality.width), sides), axis=1)
    return [",".join(map(str, place)) for place in places], values.reshape(len(values), -1)


def _by_word(vocabulary: Vocabulary, modality: Modality, values: Array) -> tuple[list[str], Array]:
    """Words of the vocabulary, and what each adds in each text, summed over its places."""
    numbers = vocabulary(modality)
    words = {number: word for word, number in vocabulary.numbers_.items()} | {UNKNOWN: "(any other word)"}
    sums = np.zeros((len(values), max(words) + 1))
    np.add.at(sums, (np.arange(len(values))[:, None], numbers), values)
    known = [number for number in sorted(words) if number != PADDING]
    return [words[number] for number in known], sums[:, known]


def _small(grid: Array) -> Sizes:
    """A map with sides cut down to what is kept, as means over neighbours."""
    sides = [min(side, MOST_POSITIONS[grid.ndim]) for side in grid.shape]
    pooled = _POOL[grid.ndim](torch.as_tensor(grid)[None, None], tuple(sides))
    return pooled[0, 0].numpy().astype(np.float32)
