"""Images, volumes and signals brought to a stated grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


def resampled(array: Array, grid: Sequence[int]) -> Array:
    """The last sides of an array stretched to a grid, linearly; what they cover stays the same.

    Where a side shrinks, it is smoothed first by a Gaussian of (factor - 1) / 2 old pixels, so that fine detail does
    not turn into false patterns, as scikit-image's ``resize`` does. Missing values (NaN) take no part; a new pixel is
    missing where they outweigh the others.

    Parameters
    ----------
    array: shape (channels, sides).
    grid: the new sides.
    """
    return array if array.shape[1:] == tuple(grid) else _of_known(array, lambda channel: _stretch(channel, grid))


def respaced(array: Array, voxel_mm: npt.ArrayLike, spacing_mm: npt.ArrayLike, grid: Sequence[int]) -> Array:
    """A volume sampled linearly on a grid of that spacing around its own middle: nothing is stretched.

    What lies beyond the grid is cut off; where the grid reaches beyond the volume, it has the volume's lowest value.
    Smoothing and missing values are as in ``resampled``.

    Parameters
    ----------
    array: shape (channels, 3 sides).
    voxel_mm: sizes of its voxels along the sides.
    spacing_mm, grid: sizes and numbers of the new ones.
    """
    if array.shape[1:] == tuple(grid) and np.allclose(voxel_mm, spacing_mm, rtol=1e-4):
        return array
    factors = np.divide(spacing_mm, voxel_mm)
    places = [(side - 1) / 2 + f * (np.arange(new) - (new - 1) / 2)
              for side, f, new in zip(array.shape[1:], factors, grid, strict=True)]  # fmt: skip
    sampled = _of_known(array, lambda channel: _sample(channel, factors, [place[0] for place in places], grid))
    # A voxel reaches half its size beyond its middle; sizes in headers are rounded.
    within = [np.abs(place - (side - 1) / 2) <= side / 2 + 1e-4
              for place, side in zip(places, array.shape[1:], strict=True)]  # fmt: skip
    inside = reduce(np.logical_and.outer, within)
    return np.where(inside, sampled, np.nanmin(array))


def _of_known(array: Array, treat: Callable[[Array], Array]) -> Array:
    """Each channel treated by a linear filter in which missing values take no part."""
    known = ~np.isnan(array)
    if known.all():
        return np.stack([treat(channel) for channel in array])
    values = np.stack([treat(channel) for channel in np.where(known, array, np.float32(0))])
    weight = np.stack([treat(channel) for channel in known.astype(np.float32)])
    return np.where(weight >= 0.5, values / np.maximum(weight, np.float32(0.5)), np.float32(np.nan))


def _sample(channel: Array, factors: Floats, first: Sequence[float], grid: Sequence[int]) -> Array:
    """Linear between voxels, from the place ``first`` on in steps of ``factors``; smoothed where these exceed 1."""
    smooth = ndimage.gaussian_filter(channel, np.maximum(0.0, (factors - 1) / 2), mode="nearest")
    return ndimage.affine_transform(smooth, factors, first, output_shape=tuple(grid), order=1, mode="nearest")


def _stretch(channel: Array, grid: Sequence[int]) -> Array:
    factors = np.divide(channel.shape, grid)
    smooth = ndimage.gaussian_filter(channel, np.maximum(0.0, (factors - 1) / 2), mode="nearest")
    # grid_mode: pixels are areas, not points, so that the field of view is kept (the corners of pixels coincide).
    return ndimage.zoom(smooth, 1 / factors, order=1, mode="nearest", grid_mode=True)
