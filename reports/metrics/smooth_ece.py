"""Smooth calibration error: a kernel in place of bins, of the width that the data choose (Blasiok, Nakkiran 2024)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import dct, idct
from scipy.sparse import csr_array

from .accuracy import ratio
from .calibration import top_label

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_CELLS = 512
_NARROWEST = 1e-3
_HALVINGS = 12


def smooth_ece(y: Codes, proba: Floats) -> float:
    """Smooth ECE of the confidence in the predicted class: 0 (calibrated) to 1."""
    return smooth_calibration_error(*top_label(y, proba))[0]


def smooth_calibration_error(scores: Floats, outcomes: Floats) -> tuple[float, float]:
    """Smooth calibration error of scores in [0, 1] for outcomes 0 or 1, and the width sigma it was taken at.

    The residuals are smoothed by a Gaussian of width sigma reflected at 0 and 1, and the mean absolute value over
    [0, 1] is the error at sigma (their definition 3). It falls as sigma grows; the answer is taken where it meets
    sigma (their eq. 8), so that nobody chooses a width.
    """
    spectrum = _spectrum(scores, outcomes - scores, np.ones((1, len(scores))))
    width = _width(spectrum)
    return float(_error_at(spectrum, width)[0]), width


def _width(spectrum: Floats) -> float:
    """Where the error at a width meets the width, from the spectrum (1, cells) of all rows, from above."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle < _NARROWEST or middle < _error_at(spectrum, middle)[0]:
            low = middle
        else:
            high = middle
    return high


def smooth_ece_resampled(y: Codes, proba: Floats, weights: Floats) -> Floats:
    """Smooth ECE under case weights (B, n): shape (B,), at the width of the full sample."""
    confidence, right = top_label(y, proba)
    shares = weights * ratio(np.full(len(weights), float(len(y))), weights.sum(axis=1))[:, None]
    spectra = _spectrum(confidence, right - confidence, np.concatenate([np.ones((1, len(y))), shares]))
    return _error_at(spectra[1:], _width(spectra[:1]))


def _spectrum(scores: Floats, residuals: Floats, weights: Floats) -> Floats:
    """Cosine spectrum (B, cells) of the weighted residuals, shared linearly between the two nearest of the cells."""
    place = np.clip(scores * _CELLS - 0.5, 0, _CELLS - 1)
    left = np.minimum(place.astype(np.int64), _CELLS - 2)
    share = place - left
    parts = np.column_stack([1 - share, share]).ravel(), np.column_stack([left, left + 1]).ravel()
    spread: Any = csr_array((*parts, np.arange(0, 2 * len(scores) + 1, 2)), (len(scores), _CELLS))
    mass: Floats = (weights * residuals / len(scores)) @ spread
    return dct(mass, axis=1)


def _error_at(spectrum: Floats, width: float) -> Floats:
    """Mass left after smoothing by the reflected Gaussian, which the cosine transform makes a product: shape (B,)."""
    damping = np.exp(-0.5 * (np.pi * width * np.arange(_CELLS)) ** 2)
    return np.abs(idct(spectrum * damping, axis=1)).sum(axis=1)
