"""Two pulses of which one is larger, in all modalities but the first at a displaced place: what LAG and SHIFT share."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from ..card import TaskCard
from ..samples import Kind, Modality, Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import balanced_labels
from .grids import Floats, white_noise
from .scores import drawn_scores, gaussian_scores

LEAST_WIDTH = 0.25
"""Standard deviation of a pulse that is hardly wider than one cell."""

_DRAWS = 20_000


def displaced_pulses(
    card: TaskCard,
    n: int,
    kind: Kind,
    grid: tuple[int, ...],
    largest: int,
    landmark: float,
    width: float,
    strengths: tuple[float, ...],
    seed: int,
) -> Task:
    """Modality m is N(0, I) plus k l + (y - 1/2) d_m p, where l and p are displaced together and wrap around the ends.

    l is the sum of two equal pulses half the last axis apart, p their difference, both of norm 1; k is ``landmark``.
    Along the last axis l has even frequencies only and p odd ones, so that they are orthogonal at all displacements.
    The first modality is never displaced, the others by whole cells, uniform from -largest to largest along every axis
    and independent, as ``truth["displacement"]`` tells, shape (n, M, axes).

    The log-odds of a displaced modality are those of two mixtures over all displacements. ``bayes`` is the mean of what
    the true posterior scores over 20,000 further draws; ``accuracy_aligned`` is the best where displacements are known.
    """
    from scipy.special import expit, logsumexp

    task = card.name
    y = balanced_labels(task, n, seed)
    steps = np.array(list(product(range(-largest, largest + 1), repeat=len(grid))))
    landmarks, pulses = _banks(grid, largest, width)
    here = len(steps) // 2  # no displacement lies in the middle of the list
    rng = np.random.default_rng(derived_seed(task, seed, "displacements"))
    modalities, places, odds, aligned = [], [], np.zeros(n), np.zeros(n)
    for m, d in enumerate(strengths):
        place = rng.integers(0, len(steps), n) if m else np.full(n, here)
        x = white_noise(task, seed, m, (n, *grid)).reshape(n, -1)
        x += (landmark * landmarks[place] + d * (y - 0.5)[:, None] * pulses[place]).astype(np.float32)
        at, sign = landmark * (x @ landmarks.T), d / 2 * (x @ pulses.T)
        known = 2 * sign[np.arange(n), place]
        aligned += known
        odds += logsumexp(at + sign, axis=1) - logsumexp(at - sign, axis=1) if m else known
        modalities.append(Modality(f"m{m + 1}", kind, x.reshape(n, 1, *grid)))
        places.append(place)
    truth = {
        "posterior": expit(odds),
        "aligned_posterior": expit(aligned),
        "displacement": steps[np.column_stack(places)],
    }
    bayes = dict(_bayes_scores(grid, largest, float(landmark), float(width), strengths))
    bayes["accuracy_aligned"] = gaussian_scores(float(np.linalg.norm(strengths)))["accuracy"]
    return Task(Samples(modalities), y, ("0", "1"), card, bayes=bayes, truth=truth)


def _banks(grid: tuple[int, ...], largest: int, width: float) -> tuple[Floats, Floats]:
    """Landmark and difference of the pulses at every displacement, each (displacements, cells), rows of norm 1."""
    pulse: Floats = np.ones(())
    for axis, size in enumerate(grid):
        centre = size // 4 if axis == len(grid) - 1 else size // 2
        away = np.abs(np.arange(size) - centre)
        pulse = np.multiply.outer(pulse, np.exp(-(np.minimum(away, size - away) ** 2) / (2 * width**2)))
    other = np.roll(pulse, grid[-1] // 2, axis=-1)
    banks = []
    for shape in (pulse + other, pulse - other):
        shape = shape / np.linalg.norm(shape)
        steps = product(range(-largest, largest + 1), repeat=len(grid))
        banks.append(np.stack([np.roll(shape, step, axis=tuple(range(len(grid)))).ravel() for step in steps]))
    return banks[0], banks[1]


@lru_cache(maxsize=16)
def _bayes_scores(
    grid: tuple[int, ...], largest: int, landmark: float, width: float, strengths: tuple[float, ...]
) -> dict[str, float]:
    """What the true posterior scores, as a mean over draws of the correlations that it is a function of."""
    from scipy.special import logsumexp

    rng = np.random.default_rng(derived_seed("displaced", grid, largest, landmark, width, strengths))
    first, *others = strengths
    odds = first * rng.normal(size=_DRAWS) + first**2 / 2
    banks = _banks(grid, largest, width)
    grams = [bank @ bank.T for bank in banks]
    roots = [_root(gram) for gram in grams]
    for d in others:
        place = rng.integers(0, len(grams[0]), _DRAWS)
        # Class 1 in all draws: correlations with either bank are Gaussian, with the Gram matrix as covariance.
        at, sign = (
            amount * (amount * gram[place] + rng.normal(size=(_DRAWS, len(gram))) @ root)
            for amount, gram, root in zip((landmark, d / 2), grams, roots, strict=True)
        )
        odds += logsumexp(at + sign, axis=1) - logsumexp(at - sign, axis=1)
    return drawn_scores(odds)


def _root(gram: Floats) -> Floats:
    """The symmetric root of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(gram)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
