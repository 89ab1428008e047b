"""Stripes of one frequency in white noise, whose direction is the class: what DETAIL and COARSE share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..card import TaskCard
from ..samples import Modality, Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import balanced_labels
from .grids import Floats, check_grid, grid_kind, white_noise
from .options import check_choice
from .scores import gaussian_scores

PHASES = ("fixed", "free")


def stripes(
    card: TaskCard, n: int, form: str, size: int, cycles: int, phase: str, strengths: Sequence[float], seed: int
) -> Task:
    """Modality m is N(0, I) plus a_m sqrt(2/N) cos(2 pi f j / size + phi), with j along an axis that is the class.

    Class 0 varies along the last axis, class 1 along the one before; f is ``cycles`` and N counts the cells. Both
    stripes have norm a_m = d_m / sqrt 2 and are orthogonal, so that the class means are d_m apart at a known phase.
    With s^2 = sum_m d_m^2 the best accuracy is then Phi(s/2), by the matched filter. Where the phase phi is free,
    uniform and shared by the modalities of a row, the best rule compares the energies of both stripes, with accuracy
    1 - exp(-s^2/8) / 2 (noncoherent detection of two orthogonal signals: Proakis, Digital Communications).
    """
    task = card.name
    grid, strengths = check_grid(task, n, form, size, strengths, seed)
    check_choice(task, "phase", phase, PHASES)
    from scipy.special import expit, i0e

    y = balanced_labels(task, n, seed)
    angle = np.random.default_rng(derived_seed(task, seed, "phase")).uniform(0.0, 2 * np.pi, n) * (phase == "free")
    wave = np.sqrt(2 / np.prod(grid)) * np.cos(2 * np.pi * cycles * np.arange(size) / size + angle[:, None])
    modalities, found = [], np.zeros((n, 2), dtype=np.complex128)
    for m, d in enumerate(strengths):
        amount = d / np.sqrt(2)
        x = white_noise(task, seed, m, (n, *grid))
        for c in (0, 1):
            rows = y == c
            along = [1] * len(grid)
            along[-1 - c] = size
            x[rows] += (amount * wave[rows]).astype(np.float32).reshape(-1, *along)
        found += (
            amount * np.sqrt(2 / np.prod(grid)) * np.column_stack([_coefficient(x, -1 - c, cycles) for c in (0, 1)])
        )
        modalities.append(Modality(f"m{m + 1}", grid_kind(form), x[:, None]))
    s = float(np.linalg.norm(strengths))
    if phase == "fixed":
        evidence, bayes = found.real, gaussian_scores(s)
    else:
        # The mean of exp(<x, stripe>) over the phase is a Bessel function of the energy found.
        evidence = np.log(i0e(np.abs(found))) + np.abs(found)
        best = float(1 - np.exp(-(s**2) / 8) / 2)
        bayes = {"accuracy": best, "balanced_accuracy": best}
    truth = {"posterior": expit(evidence[:, 1] - evidence[:, 0]), "phase": angle}
    return Task(Samples(modalities), y, ("0", "1"), card, bayes=bayes, truth=truth)


def _coefficient(x: np.ndarray, axis: int, cycles: int) -> np.ndarray:
    """Sum of x exp(i w j) over the grid with j along the axis, (n,)."""
    size = x.shape[axis]
    others = tuple(a for a in range(1, x.ndim) if a != axis % x.ndim)
    profile: Floats = x.sum(axis=others, dtype=np.float64)
    return profile @ np.exp(2j * np.pi * cycles * np.arange(size) / size)
