"""What one row of a modality looks like to a network."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fusebench.datasets.samples import Modality

_LOOKED_AT = 64
# Sides of one row after its channels.
_CHANNELLED = {"image": 2, "volume": 3, "signal": 1}


@dataclass(frozen=True)
class Shape:
    """The form in which networks get one modality.

    Parameters
    ----------
    kind: what encoders take it for: a modality kind; "table" also for arrays whose sides do not suit their own kind.
    dims: shape of one row: (width,) of a table, (channels, *sides) of an image, a volume or a signal, (regions,
        features), (regions, regions) of a connectivity, (length,) word numbers of a text.
    words: size of a text's vocabulary, its two special words included; 0 otherwise.
    graph: of regions, the modality whose connectivity joins them; empty when there is none.
    directed: of a connectivity, whether it is not symmetric (in the first training rows, which are all alike in this).
    """

    kind: str
    dims: tuple[int, ...]
    words: int = 0
    graph: str = ""
    directed: bool = False

    @property
    def width(self) -> int:
        """Numbers in one row."""
        return math.prod(self.dims)


def array_shape(modality: Modality) -> Shape:
    """The shape of a modality of numbers that is no table; one channel or feature is added where there is none."""
    row, kind = modality.shape[1:], str(modality.kind)
    if kind in _CHANNELLED:
        sides = _CHANNELLED[kind]
        if len(row) in (sides, sides + 1):
            return Shape(kind, row if len(row) == sides + 1 else (1, *row))
    if kind == "roi" and len(row) in (1, 2):
        return Shape(kind, row if len(row) == 2 else (*row, 1))
    if kind == "connectivity" and len(row) == 2 and row[0] == row[1]:
        return Shape(kind, row, directed=not _symmetric(modality))
    return Shape("table", (modality.width,))


def _symmetric(modality: Modality) -> bool:
    values = np.nan_to_num(modality.take(np.flatnonzero(modality.present)[:_LOOKED_AT]).values)
    return np.allclose(values, values.swapaxes(1, 2), rtol=1e-5, atol=1e-8)
