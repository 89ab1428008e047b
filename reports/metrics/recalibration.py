"""Ways to recalibrate test probabilities with maps that are fitted on out-of-fold validation probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from .temperature import CLIP, apply_temperature, fit_temperature

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Recalibrator = Callable[[Codes, Floats, Floats], Floats]
"""From validation truth (n,), validation probabilities (n, C) and test probabilities (m, C) to those (m, C)."""


def temperature(y: Codes, validation: Floats, proba: Floats) -> Floats:
    """One number for all classes (Guo et al. 2017)."""
    return apply_temperature(proba, fit_temperature(y, validation))


def platt(y: Codes, validation: Floats, proba: Floats) -> Floats:
    """A sigmoid of the log-odds of each class against the rest, normalised (Platt 1999; Zadrozny and Elkan 2002)."""
    return _one_against_rest(y, validation, proba, _sigmoid)


def isotonic_map(y: Codes, validation: Floats, proba: Floats) -> Floats:
    """A monotone map of each class against the rest, then normalised (Zadrozny and Elkan 2002).

    Its ends of 0 and 1 are drawn in to 1 / (n + 2) of the n validation rows: no finite sample proves the impossible.
    """
    return _one_against_rest(y, validation, proba, _monotone)


RECALIBRATORS: Mapping[str, Recalibrator] = {"temperature": temperature, "platt": platt, "isotonic": isotonic_map}


def _one_against_rest(
    y: Codes, validation: Floats, proba: Floats, mapped: Callable[[Floats, Floats, Floats], Floats]
) -> Floats:
    classes = proba.shape[1]
    if classes == 2:
        second = mapped((y == 1).astype(float), validation[:, 1], proba[:, 1])
        return np.column_stack([1 - second, second])
    own = [mapped((y == c).astype(float), validation[:, c], proba[:, c]) for c in range(classes)]
    found = np.column_stack(own)
    return found / found.sum(axis=1, keepdims=True)


def _odds(p: Floats) -> Floats:
    inside = np.clip(p, CLIP, 1 - CLIP)
    return np.log(inside) - np.log1p(-inside)


def _sigmoid(truth: Floats, validation: Floats, proba: Floats) -> Floats:
    """Platt's fit: targets drawn in by one row of either class keep it finite on separable rows."""
    positive, negative = truth.sum(), len(truth) - truth.sum()
    target = np.where(truth == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    x = _odds(validation)

    def loss(ab: Floats) -> tuple[float, Floats]:
        z = ab[0] * x + ab[1]
        gap = 1 / (1 + np.exp(-np.clip(z, -500, 500))) - target
        return float((np.logaddexp(0, z) - target * z).mean()), np.array([(gap * x).mean(), gap.mean()])

    a, b = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)]).x
    z = np.clip(a * _odds(proba) + b, -500, 500)
    return np.clip(1 / (1 + np.exp(-z)), CLIP, 1 - CLIP)


def _monotone(truth: Floats, validation: Floats, proba: Floats) -> Floats:
    least = 1 / (len(truth) + 2)
    return IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip").fit(validation, truth).predict(proba)
