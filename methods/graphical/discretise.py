"""From modalities to one table of small codes: quantile bins learnt on training rows, missing cells kept as missing."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import TABULAR, Modality, Samples

Table = npt.NDArray[np.int16]
"""Codes 0..levels-1, or -1 where the cell or its whole modality is missing."""


class Discretiser:
    """Codes of all modalities' features side by side.

    Numeric columns, and the flattened values of images and the like, are cut at quantiles of the present training
    values; where values repeat, cuts fall together and a column has fewer levels, down to one for a constant column.
    Categorical columns keep their codes.

    Parameters
    ----------
    bins: most levels of a numeric column.
    """

    def __init__(self, bins: int) -> None:
        self.bins = bins

    def fit(self, samples: Samples) -> Self:
        """Learn the cuts from n training rows. Sets ``levels_`` (D,), ``owner_`` (D,) and ``features_`` (D names)."""
        levels, owners, self.features_ = [], [], []
        self._cuts: dict[str, npt.NDArray[np.float64]] = {}
        for index, modality in enumerate(samples.modalities):
            codes = _category_counts(modality)
            cuts = self._learn(_numbers(modality)[modality.present])
            self._cuts[modality.name] = cuts
            levels.append(np.where(codes > 0, codes, 1 + np.isfinite(cuts).sum(axis=0)))
            owners.append(np.full(modality.width, index))
            names = modality.features or tuple(f"x{i}" for i in range(modality.width))
            self.features_ += [f"{modality.name}.{name}" for name in names]
        self.levels_ = np.concatenate(levels).astype(np.intp)
        self.owner_ = np.concatenate(owners)
        return self

    def transform(self, samples: Samples) -> Table:
        """The rows' codes, shape (n, D)."""
        return np.hstack([self._codes(samples.modality(name)) for name in self._cuts])

    def _learn(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
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


def _numbers(modality: Modality) -> npt.NDArray[np.float64]:
    return modality.values.reshape(len(modality), -1).astype(np.float64, copy=False)


def _category_counts(modality: Modality) -> npt.NDArray[np.intp]:
    """Number of categories of each column, 0 for a numeric one."""
    if modality.kind not in TABULAR:
        return np.zeros(modality.width, dtype=np.intp)
    return np.array([len(modality.categories.get(name, ())) for name in modality.features], dtype=np.intp)
