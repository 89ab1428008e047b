"""From modalities to one table of small codes: bins learnt on training rows, missing cells kept as missing."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import TABULAR, Modality, Samples

from ..vectors import Codes
from .mdl import mdl_cuts

Table = npt.NDArray[np.int16]
"""Codes 0..levels-1, or -1 where the cell or its whole modality is missing."""

Cuts = Literal["quantile", "mdl"]


class Discretiser:
    """Codes of all modalities' features side by side.

    Numeric columns, and the flattened values of images and the like, are cut at quantiles of the present training
    values, or where the classes part (``mdl.mdl_cuts``). Where values repeat, quantiles fall together, and where no cut
    pays there is none: then a column has fewer levels, down to one. Categorical columns keep their codes.

    Parameters
    ----------
    bins: most levels of a numeric column cut at quantiles; the other rule finds their number itself.
    cuts: "quantile", or "mdl" for Fayyad and Irani's entropy cuts, which ``fit`` needs the classes for.

    Raises
    ------
    ValueError: a rule that does not exist, or "mdl" without classes.
    """

    def __init__(self, bins: int, cuts: Cuts = "quantile") -> None:
        if cuts not in get_args(Cuts):
            raise ValueError(f"cuts {cuts!r}: use one of {', '.join(get_args(Cuts))}")
        self.bins, self.cuts = bins, cuts

    def fit(self, samples: Samples, codes: Codes | None = None) -> Self:
        """Learn the cuts from n training rows and, for "mdl", their classes 0..k-1, shape (n,).

        Sets ``levels_`` (D,), ``owner_`` (D,) the column's modality by position, and ``features_`` (D names).
        """
        if self.cuts == "mdl" and codes is None:
            raise ValueError('cuts "mdl" need the classes of the training rows')
        levels, owners, self.features_ = [], [], []
        self._cuts: dict[str, npt.NDArray[np.float64]] = {}
        for index, modality in enumerate(samples.modalities):
            categories = _category_counts(modality)
            values = _numbers(modality)[modality.present]
            cuts = (
                self._quantiles(values)
                if codes is None or self.cuts == "quantile"
                else _padded(mdl_cuts(np.where(categories > 0, np.nan, values), codes[modality.present]))
            )
            self._cuts[modality.name] = cuts
            levels.append(np.where(categories > 0, categories, 1 + np.isfinite(cuts).sum(axis=0)))
            owners.append(np.full(modality.width, index))
            names = modality.features or tuple(f"x{i}" for i in range(modality.width))
            self.features_ += [f"{modality.name}.{name}" for name in names]
        self.levels_ = np.concatenate(levels).astype(np.intp)
        self.owner_ = np.concatenate(owners)
        return self

    def transform(self, samples: Samples) -> Table:
        """The rows' codes, shape (n, D)."""
        return np.hstack([self._codes(samples.modality(name)) for name in self._cuts])

    def _quantiles(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Cuts (bins - 1, columns), increasing, infinite where a column has fewer."""
        ordered = np.sort(values, axis=0)  # missing cells come last
        known = (~np.isnan(values)).sum(axis=0)
        cuts = np.full((self.bins - 1, values.shape[1]), np.inf)
        if not len(values):
            return cuts
        columns = np.arange(values.shape[1])
        last = np.maximum(known - 1, 0)
        for b in range(1, self.bins):
            at = np.minimum(known * b // self.bins, last)
            cuts[b - 1] = np.where(known > 0, ordered[at, columns], np.inf)
        # A cut at the smallest value, or at the cut before, would leave an empty bin.
        lowest = np.where(known > 0, ordered[0], np.inf)
        before = np.vstack([lowest, cuts[:-1]])
        cuts[cuts <= before] = np.inf
        return np.sort(cuts, axis=0)

    def _codes(self, modality: Modality) -> Table:
        values = _numbers(modality)
        categorical = _category_counts(modality) > 0
        codes = np.zeros(values.shape, dtype=np.int16)
        for cut in self._cuts[modality.name]:
            codes += values >= cut  # never true for a missing cell, nor for a cut that is not used
        missing = np.isnan(values)
        if categorical.any():
            codes[:, categorical] = np.where(missing, 0, values)[:, categorical].astype(np.int16)
        codes[missing] = -1
        codes[~modality.present] = -1
        return codes


def _padded(cuts: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Cuts of all columns in one array (most cuts, columns), infinite where a column has fewer."""
    table = np.full((max(map(len, cuts)), len(cuts)), np.inf)
    for j, column in enumerate(cuts):
        table[: len(column), j] = column
    return table


def _numbers(modality: Modality) -> npt.NDArray[np.float64]:
    return modality.values.reshape(len(modality), modality.width).astype(np.float64, copy=False)


def _category_counts(modality: Modality) -> npt.NDArray[np.intp]:
    """Number of categories of each column, 0 for a numeric one."""
    if modality.kind not in TABULAR:
        return np.zeros(modality.width, dtype=np.intp)
    return np.array([len(modality.categories.get(name, ())) for name in modality.features], dtype=np.intp)
