"""What a fitted method says of the rows it was fitted on: how much it overfits, and no part of what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .out_of_fold import check_proba, full_width

if TYPE_CHECKING:
    from fusebench.datasets.samples import Samples
    from fusebench.methods.base import Method, Proba

Rows = npt.NDArray[np.intp]

MOST = 1000


def training_rows(n: int, seed: int) -> Rows:
    """Positions in the training set to predict: all, or that many drawn by the job's seed, sorted."""
    if n <= MOST:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, MOST, replace=False))


def predict_training_rows(method: Method, train: Samples, n_classes: int, seed: int) -> tuple[Rows, Proba]:
    """The drawn positions and their probabilities (rows, n_classes).

    Raises
    ------
    ValueError: what the method gives are no probabilities.
    """
    rows = training_rows(len(train), seed)
    proba = check_proba(method, method.predict_proba(train[rows]), len(rows))
    return rows, full_width(method, proba, n_classes)
