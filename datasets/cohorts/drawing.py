"""What the drawn pictures of the simulated cohorts share: coordinates, soft edges, smooth noise and outlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..splits import derived_seed

Floats = npt.NDArray[np.float64]


def stream(task: str, seed: int, what: str) -> np.random.Generator:
    """Random numbers for one purpose, so that no setting moves those of another."""
    return np.random.default_rng(derived_seed(task, seed, what))


def plane(size: int) -> tuple[Floats, Floats]:
    """Coordinates y (down) and x (right) of the midpoints of pixels in [-1, 1], both of shape (size, size)."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return y, x


def smooth_noise(rng: np.random.Generator, shape: Sequence[int], sigma: float, axes: int) -> Floats:
    """Normal noise of unit variance, smoothed over the last axes by a Gaussian of that many cells."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.normal(size=shape), [0.0] * (len(shape) - axes) + [sigma] * axes, mode="wrap")
    return noise / noise.std()


def inside(distance: Floats, edge: float) -> Floats:
    """1 within the outline, which is at distance 1, and 0 outside; linear from 1 - edge to 1 + edge."""
    return np.clip(0.5 + (1.0 - distance) / (2 * edge), 0.0, 1.0)


def uniform(rng: np.random.Generator, n: int, low: float, high: float) -> Floats:
    """One number for each row, (n, 1, 1), to go with pictures (n, size, size)."""
    return rng.uniform(low, high, size=(n, 1, 1))
