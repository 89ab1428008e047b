"""What the concatenating methods share: all modalities side by side, for an ordinary classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Samples

from .base import Labels, Method, Proba
from .features import FeatureBlocks

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


class VectorMethod(Method):
    """Early fusion by concatenation: a subclass learns from X (n, d) and codes 0..k-1, and gives probabilities for X.

    The features are imputed, scaled and encoded by ``FeatureBlocks`` on the training rows. With a single class in the
    training labels there is nothing to learn, and that class gets probability 1.
    """

    def fit(self, samples: Samples, y: Labels) -> Self:
        """Learn the features' scales, then the classifier."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.blocks_ = FeatureBlocks().fit(samples)
        self.n_parameters_ = 0
        if len(self.classes_) > 1:
            self._learn(self.blocks_.concatenated(samples), codes, samples.groups)
        return self

    def predict_proba(self, samples: Samples) -> Proba:
        """Class probabilities, shape (n, len(classes_))."""
        if len(self.classes_) == 1:
            return np.ones((len(samples), 1))
        return self._proba(self.blocks_.concatenated(samples))

    def _learn(self, X: Floats, codes: Codes, groups: np.ndarray) -> None:
        raise NotImplementedError

    def _proba(self, X: Floats) -> Proba:
        raise NotImplementedError


def block_shares(importance: Floats, widths: Mapping[str, int]) -> dict[str, float]:
    """Each modality's share of the non-negative importance of the concatenated columns; shares sum to 1."""
    ends = np.cumsum(list(widths.values()))
    sums = [float(part.sum()) for part in np.split(importance, ends[:-1])]
    total = sum(sums)
    return {name: value / total if total > 0 else 1.0 / len(sums) for name, value in zip(widths, sums, strict=True)}


def logistic(C: float) -> Any:
    """Multinomial logistic regression with an L2 penalty, settled so that it converges on standardised features."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=5000, tol=1e-3)
