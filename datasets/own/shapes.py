"""The shapes that modality kinds have, and rows that a modality does not have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .spec import ModalitySpec

# Sides of one row without and with channels; kinds that are not here keep the shape they come in.
_PLAIN = {"image": 2, "volume": 3, "signal": 1}


def shaped(array: np.ndarray, modality: ModalitySpec, where: str) -> np.ndarray:
    """Rows of an image as (channels, height, width), of a volume as (channels, depth, height, width), of a signal as
    (channels, time); whole numbers become float32. One channel is added where there is none.

    Raises
    ------
    DataError: the sides do not fit the values of a row, or the number of sides does not fit the kind.
    """
    if modality.kind == "text":
        return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.dtype.kind in "iub":
        array = array.astype(np.float32)
    if modality.shape:
        width, asked = int(np.prod(array.shape[1:])), int(np.prod(modality.shape))
        if width != asked:
            told = " x ".join(map(str, modality.shape))
            raise DataError(f"{where}: {width} values in a row cannot be shaped as {told} = {asked}; correct shape")
        array = array.reshape(len(array), *modality.shape)
    sides = _PLAIN.get(modality.kind)
    if sides is None:
        return array
    if array.ndim == sides + 1:
        return array[:, None]
    if array.ndim != sides + 2:
        raise DataError(
            f"{where}: a row of kind {modality.kind} has {sides} sides, or {sides + 1} with channels, but here its "
            f"shape is {array.shape[1:]}; set shape, or another kind"
        )
    return np.moveaxis(array, -1, 1) if modality.channels == "last" else array


def spread(
    array: np.ndarray, present: npt.NDArray[np.bool_], index: npt.NDArray[np.intp]
) -> tuple[np.ndarray, npt.NDArray[np.bool_]]:
    """Rows in the task's order; where the index is -1 the modality is absent (NaN, or an empty text)."""
    if np.array_equal(index, np.arange(len(array))):
        return array, present
    held = index >= 0
    if held.all():
        return array[index], present[index]
    kind = np.result_type(array.dtype, np.float32) if array.dtype.kind != "U" else array.dtype
    out = np.full((len(index), *array.shape[1:]), "" if array.dtype.kind == "U" else np.nan, dtype=kind)
    out[held] = array[index[held]]
    there = np.zeros(len(index), dtype=bool)
    there[held] = present[index[held]]
    return out, there
