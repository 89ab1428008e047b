"""Images, volumes and signals brought to a stated grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float32]


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
    if array.shape[1:] == tuple(grid):
        return array
    known = ~np.isnan(array)
    if known.all():
        return np.stack([_stretch(channel, grid) for channel in array])
    values = np.stack([_stretch(channel, grid) for channel in np.where(known, array, np.float32(0))])
    weight = np.stack([_stretch(channel, grid) for channel in known.astype(np.float32)])
    return np.where(weight >= 0.5, values / np.maximum(weight, np.float32(0.5)), np.float32(np.nan))


def _stretch(channel: Array, grid: Sequence[int]) -> Array:
    factors = np.divide(channel.shape, grid)
    smooth = ndimage.gaussian_filter(channel, np.maximum(0.0, (factors - 1) / 2), mode="nearest")
    # grid_mode: pixels are areas, not points, so that the field of view is kept (the corners of pixels coincide).
    return ndimage.zoom(smooth, 1 / factors, order=1, mode="nearest", grid_mode=True)
