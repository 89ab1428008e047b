"""Categorical columns given the class: one smoothed table each, and what they tell."""

from __future__ import annotations

import numpy as np

from fusebench.datasets.samples import Modality

from ..vectors import Codes, Floats
from .discretise import Table
from .tables import class_counts, conditional


def level_counts(modality: Modality) -> Codes:
    """Number of categories of each categorical column, in the order of the columns."""
    levels = [len(modality.categories[name]) for name in modality.features if name in modality.categories]
    return np.array(levels, dtype=np.intp)


class CategoryTables:
    """p(x_j = v | c) = (N_jvc + alpha) / (N_jc + alpha r_j) of E columns that are independent given the class.

    Parameters
    ----------
    table: training codes (n, E), -1 where missing; ``levels``: (E,); ``codes``: (n,) classes 0..k-1.
    """

    def __init__(self, table: Table, levels: Codes, codes: Codes, k: int, alpha: float) -> None:
        counts = class_counts(table, codes, levels, k) if levels.size else np.zeros((0, 1, k), dtype=np.int64)
        self.values = conditional(counts, levels, alpha) if levels.size else np.zeros((0, 1, k))
        self.n_parameters = k * int((levels - 1).sum())
        # One row more, of zeros: a missing cell has code -1 and so adds nothing. With alpha = 0 a category may have
        # probability 0; the smallest number keeps its logarithm finite.
        logs = np.log(np.maximum(self.values, np.finfo(float).tiny))
        self._logs = np.concatenate([logs, np.zeros((len(logs), 1, k))], axis=1)

    def __call__(self, table: Table) -> Floats:
        """log p(x | c) of codes (n, E), shape (n, k); a missing cell drops its factor."""
        total = np.zeros((len(table), self._logs.shape[2]))
        for column, logs in zip(table.T, self._logs, strict=True):
            total += logs[column]
        return total
