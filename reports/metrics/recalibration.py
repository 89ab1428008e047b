"""Ways to recalibrate test probabilities with maps that are fitted on out-of-fold validation probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.special import expit

from .temperature import CLIP, apply_temperature, fit_temperature

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Recalibrator = Callable[[Codes, Floats, Floats], Floats]
"""From validation truth (n,), validation probabilities (n, C) and test probabilities (m, C) to those (m, C)."""
Map = Callable[[Floats, Floats, Floats], Floats]
"""From truth 0 or 1 (K, n), validation (K, n) and test probabilities (K, m) of K classes to those (K, m)."""

_STEPS, _FLAT, _RIDGE, _ROUNDING = 100, 1e-9, 1e-12, 1e-12


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


def _one_against_rest(y: Codes, validation: Floats, proba: Floats, mapped: Map) -> Floats:
    classes = proba.shape[1]
    first = int(classes == 2)  # of two classes the second says all
    truth = (y == np.arange(first, classes)[:, None]).astype(float)
    found = mapped(truth, validation[:, first:].T, proba[:, first:].T).T
    return np.column_stack([1 - found, found]) if classes == 2 else found / found.sum(axis=1, keepdims=True)


def _odds(p: Floats) -> Floats:
    inside = np.clip(p, CLIP, 1 - CLIP)
    return np.log(inside) - np.log1p(-inside)


def _sigmoid(truth: Floats, validation: Floats, proba: Floats) -> Floats:
    """Platt's fit: targets drawn in by one row of either class keep it finite on separable rows."""
    positive = truth.sum(axis=1, keepdims=True)
    negative = truth.shape[1] - positive
    target = np.where(truth == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, offset = fit_sigmoids(_odds(validation), target)
    return np.clip(expit(slope[:, None] * _odds(proba) + offset[:, None]), CLIP, 1 - CLIP)


def fit_sigmoids(x: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Slopes a >= 0 and offsets b, (K,) each, of ``sigmoid(a x + b)`` with the least log-loss on targets in (0, 1).

    Newton's method with halved steps (Lin, Lin and Weng 2007) for K fits of (K, n) at once. The loss is convex: where
    its minimum has a slope below zero, the least with a >= 0 is the mean of the targets.
    """
    share = target.mean(axis=1)
    base = np.log(share) - np.log1p(-share)
    a, b = np.zeros_like(base), base.copy()

    def loss(a: Floats, b: Floats) -> Floats:
        z = a[:, None] * x + b[:, None]
        return np.asarray((np.logaddexp(0, z) - target * z).mean(axis=1))

    now = loss(a, b)
    for _ in range(_STEPS):
        p = expit(a[:, None] * x + b[:, None])
        gap, bend = p - target, p * (1 - p)
        down_a, down_b = (gap * x).mean(axis=1), gap.mean(axis=1)
        if max(np.abs(down_a).max(), np.abs(down_b).max()) < _FLAT:
            break
        aa, ab, bb = (bend * x * x).mean(axis=1) + _RIDGE, (bend * x).mean(axis=1), bend.mean(axis=1) + _RIDGE
        size = aa * bb - ab * ab
        step_a, step_b = (ab * down_b - bb * down_a) / size, (ab * down_a - aa * down_b) / size
        share = np.ones_like(a)
        while (worse := loss(a + share * step_a, b + share * step_b) > now + _ROUNDING).any():
            share[worse] /= 2
        a, b = a + share * step_a, b + share * step_b
        now = loss(a, b)
    return np.where(a < 0, 0.0, a), np.where(a < 0, base, b)


def _monotone(truth: Floats, validation: Floats, proba: Floats) -> Floats:
    least = 1 / (truth.shape[1] + 2)
    found = np.empty(proba.shape)
    for place, (own, known) in enumerate(zip(truth, validation, strict=True)):
        level, code = np.unique(known, return_inverse=True)
        count = np.bincount(code)
        fitted = isotonic_regression(np.bincount(code, weights=own) / count, weights=count).x
        found[place] = np.interp(proba[place], level, np.clip(fitted, least, 1 - least))
    return found
