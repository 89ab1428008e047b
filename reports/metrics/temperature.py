"""Temperature scaling: one number, fitted on validation probabilities, that cools or warms the test probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CLIP = 1e-12
BOUNDS = (0.05, 20.0)
_STEPS, _CLOSE = 100, 1e-8


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

    low, high = 1 / BOUNDS[1], 1 / BOUNDS[0]
    inverse = 1.0
    for _ in range(_STEPS):  # the loss is convex in 1 / T: Newton's steps, halvings where one leaves the bracket
        weight = np.exp(inverse * logits)
        weight /= weight.sum(axis=1, keepdims=True)
        mean = np.einsum("nc,nc->n", weight, logits)
        slope = float(mean.mean()) - true
        if slope == 0.0:
            break
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        curvature = float(np.einsum("nc,nc,nc->", weight, logits, logits) - mean @ mean) / len(y)
        step = inverse - slope / curvature if curvature > 0 else high
        before, inverse = inverse, step if low < step < high else (low + high) / 2
        if abs(inverse - before) <= _CLOSE * inverse:
            break
    return 1 / inverse


def apply_temperature(proba: Floats, temperature: float) -> Floats:
    """Probabilities (n, C) after division of their logarithms by the temperature; the order of classes stays."""
    logits = np.log(np.clip(proba, CLIP, 1.0)) / temperature
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)
