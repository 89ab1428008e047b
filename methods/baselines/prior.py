"""The floor under every table: the class frequencies of the training rows, whatever the sample."""

from __future__ import annotations

from typing import Self

import numpy as np

from fusebench.datasets.samples import Samples

from ..base import Labels, Method, Proba
from ..card import MethodCard


class Prior(Method):
    """Predicts the training class frequencies for every row."""

    card = MethodCard(
        name="prior",
        title="Class prior",
        family="baseline",
        fusion="none",
        role="floor",
        summary="The class frequencies of the training rows, for every sample alike.",
        kinds=("table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"),
    )

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Count the classes."""
        self.classes_, counts = np.unique(y, return_counts=True)
        self.frequencies_ = counts / counts.sum()
        self.n_parameters_ = len(counts) - 1
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """The training frequencies in every row, shape (n, len(classes_))."""
        return np.tile(self.frequencies_, (len(samples), 1))
