"""Arrays of numbers made ready for networks: scaled with training statistics, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from fusebench.datasets.samples import Modality

from .shapes import Shape, array_shape

CLIP = 10.0
"""Standard deviations at which values are cut: what hardly varied in training must not overflow float32 at test."""

_CHUNK_BYTES = 2**24

Array = npt.NDArray[np.float32]

# By kind, the axes of (rows, *dims) over which a centre is shared, and those over which a scale is. Pixels share both
# within a channel. Regions and connections have centres of their own, but keep the contrast between positions.
_CENTRE = {"image": (0, 2, 3), "volume": (0, 2, 3, 4), "signal": (0, 2)}
_SCALE = {**_CENTRE, "roi": (0, 1)}


class ArrayScaler:
    """Centre and scale of one modality that is no table, learnt from the training rows that have it.

    Images, volumes and signals are centred and scaled by channel. Regions are centred by region and feature, and
    scaled by feature. All else is centred by position and shares one scale.

    Attributes
    ----------
    shape: form of a scaled row.
    """

    def __init__(self, modality: Modality) -> None:
        self.shape: Shape = array_shape(modality)
        axes = _CENTRE.get(self.shape.kind, (0,))
        total, count = _sums(chunks(modality, self.shape.dims), axes)
        self.mean = total / np.maximum(count, 1.0)
        axes = _SCALE.get(self.shape.kind, tuple(range(1 + len(self.shape.dims))))
        squares, count = _sums(((chunk - self.mean) ** 2 for chunk in chunks(modality, self.shape.dims)), axes)
        spread = np.sqrt(squares / np.maximum(count, 1.0))
        # What does not vary carries nothing; dividing by rounding noise would blow it up.
        self.scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(self.mean).max(initial=0.0)), spread, 1.0)

    def __call__(self, modality: Modality) -> Array:
        """The scaled rows (n, *dims); 0 where a value is missing and in rows that lack the modality."""
        return _made(modality, self.shape.dims, lambda v: np.clip((v - self.mean) / self.scale, -CLIP, CLIP))


class GraphScaler:
    """Connectivities as weights of graphs: absolute values without the diagonal, the largest of training being 1."""

    def __init__(self, modality: Modality) -> None:
        self.dims = modality.shape[1:]
        found = [np.nanmax(np.abs(off_diagonal(chunk)), initial=0.0) for chunk in chunks(modality, self.dims)]
        self.largest = float(max(found, default=0.0)) or 1.0

    def __call__(self, modality: Modality) -> Array:
        """Weights (n, regions, regions), from 0 to ``CLIP``; 0 in rows that lack the modality."""
        return _made(modality, self.dims, lambda v: np.clip(np.abs(off_diagonal(v)) / self.largest, 0.0, CLIP))


def chunks(modality: Modality, dims: tuple[int, ...]) -> Iterator[npt.NDArray[np.float64]]:
    """The rows that have the modality, (rows, *dims), a few megabytes at a time."""
    rows = np.flatnonzero(modality.present)
    step = max(1, _CHUNK_BYTES // (8 * modality.width))
    for start in range(0, len(rows), step):
        yield modality.take(rows[start : start + step]).values.reshape(-1, *dims).astype(np.float64)


def off_diagonal(matrices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Square matrices (n, r, r) with zeros on the diagonal."""
    return np.where(np.eye(matrices.shape[-1], dtype=bool), 0.0, matrices)


def _sums(parts: Iterator[npt.NDArray[np.float64]], axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of finite values over those axes, which are kept with length 1."""
    total = count = np.zeros(1)
    for part in parts:
        total = total + np.nansum(part, axis=axes, keepdims=True)
        count = count + np.isfinite(part).sum(axis=axes, keepdims=True)
    return total, count


def _made(modality: Modality, dims: tuple[int, ...], make: Callable[[np.ndarray], np.ndarray]) -> Array:
    """What ``make`` gives for the rows (n, *dims), a few megabytes at a time; 0 where missing and in absent rows."""
    made = np.empty((len(modality), *dims), dtype=np.float32)
    for start, part in modality.parts():
        values = make(part.values.reshape(-1, *dims).astype(np.float64))
        made[start : start + len(part)] = np.nan_to_num(values, nan=0.0)
    made[~modality.present] = 0.0
    return made
