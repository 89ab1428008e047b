"""Temperature scaling: one number, fitted on validation probabilities, that cools or warms the test probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CLIP = 1e-12
BOUNDS = (0.05, 20.0)


def fit_temperature(y: Codes, proba: Floats) -> float:
    """The temperature that minimises the log-loss of ``softmax(log p / T)`` (Guo et al. 2017).

    Parameters
    ----------
    y: (n,) true codes; proba: (n, C) probabilities of rows that the model was not fitted on.
        Zeros are raised to ``CLIP`` first; T is sought within ``BOUNDS``, above 1 for an over-confident model.
    """
    logits = np.log(np.clip(proba, CLIP, 1.0))
    logits -= logits.max(axis=1, keepdims=True)  # the largest is 0 whatever the temperature: nothing overflows
    true = float(logits[np.arange(len(y)), y].mean())

    def loss(inverse: float) -> float:
        return float(np.log(np.exp(inverse * logits).sum(axis=1)).mean()) - inverse * true

    low, high = 1 / BOUNDS[1], 1 / BOUNDS[0]  # the loss is convex in 1 / T
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-5})
    return float(1 / found.x)


def apply_temperature(proba: Floats, temperature: float) -> Floats:
    """Probabilities (n, C) after division of their logarithms by the temperature; the order of classes stays."""
    logits = np.log(np.clip(proba, CLIP, 1.0)) / temperature
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)
