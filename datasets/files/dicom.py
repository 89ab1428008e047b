"""DICOM files by pydicom: one file, or the slices of one series as a volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .nifti import canonical_sizes
from .reader import is_dicom, needs, told

_LARGEST_GAP = 1.5
"""In units of the usual distance between slices; a slice that is missing makes it 2."""

Array = npt.NDArray[np.float32]


def read_dicom(path: Path) -> Array:
    """Pixels (channels, rows, columns) or (channels, frames, rows, columns), in the units that the file's rescaling
    gives (Hounsfield units in CT); one channel of grey or three of colour. White is high, also in MONOCHROME1.

    Raises
    ------
    DataError: no DICOM, damaged or truncated, without pixels, compressed in a way that needs another package.
    """
    return _pixels(_open(path), path)


def read_series(folder: Path) -> Array:
    """A volume (1, sides) of slices in the order of their place; its sides run right, anterior and superior.

    Slices that do not say where they lie are taken as axial, from the feet up by their number, face up.

    Raises
    ------
    DataError: no DICOM in the folder, files of more than one series, slices of different sizes or places, one missing.
    """
    slices = [(_open(path), path) for path in _slices(folder)]
    first, first_path = slices[0]
    for data, path in slices[1:]:
        if data.get("SeriesInstanceUID") != first.get("SeriesInstanceUID"):
            raise DataError(
                f"{path}: is of another series than {first_path.name} in the same folder; keep one series a folder"
            )
    places = _places(slices)
    order = np.argsort(places)
    gaps = np.diff(places[order])
    usual = np.quantile(gaps, 0.5, method="lower") if len(gaps) else 0.0
    for i, gap in enumerate(gaps):
        before, after = slices[order[i]][1], slices[order[i + 1]][1]
        if gap <= 0:
            raise DataError(f"{after}: lies at the same place as {before.name}; keep one of them (one phase or echo)")
        if gap > _LARGEST_GAP * usual:
            raise DataError(
                f"{folder}: a slice is missing between {before.name} and {after.name} (a gap of {gap:g} where "
                f"{usual:g} is usual); add it"
            )
    pages = [_pixels(*slices[i]) for i in order]
    for i, page in zip(order, pages, strict=True):
        if page.ndim != 3 or page.shape != pages[0].shape:
            raise DataError(
                f"{slices[i][1]}: a slice of {told(page.shape)} among slices of {told(pages[0].shape)}; keep one series"
            )
    return _canonical(np.stack(pages, axis=1), _directions(first))


def series_voxel(folder: Path) -> npt.NDArray[np.float64]:
    """Distances between the middles of neighbouring voxels of such a volume, (3,), in mm: right, anterior, superior.

    Raises
    ------
    DataError: no DICOM in the folder, a single slice, slices that do not say where they or their pixels lie.
    """
    slices = [(_open(path, pixels=False), path) for path in _slices(folder)]
    first, path = slices[0]
    if len(slices) < 2 or "PixelSpacing" not in first or any("ImagePositionPatient" not in data for data, _ in slices):
        raise DataError(f"{folder}: its slices do not say how far apart they and their pixels lie; remove spacing_mm")
    between = np.quantile(np.diff(np.sort(_places(slices))), 0.5, method="lower")
    along = np.array([between, *map(float, first.PixelSpacing)])  # rows apart, then columns (PS3.3 10.7.1.3)
    return canonical_sizes(along, _affine(_directions(first)), path)


def _slices(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".") and is_dicom(p))
    if not files:
        raise DataError(f"{folder}: holds no DICOM slices; put them there, or remove it (the row is then absent)")
    return files


def _open(path: Path, *, pixels: bool = True) -> Any:
    try:
        import nibabel  # noqa: F401 - turns volumes
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError as error:
        raise needs(path, "pydicom and nibabel") from error
    try:
        return pydicom.dcmread(path, stop_before_pixels=not pixels)
    except InvalidDicomError as error:
        raise DataError(f"{path}: is no DICOM file, whatever its name says; write it again") from error
    except (OSError, EOFError, ValueError, KeyError, NotImplementedError) as error:
        raise DataError(f"{path}: damaged or truncated ({error}); copy or write it again") from error


def _pixels(data: Any, path: Path) -> Array:
    from pydicom.pixels import apply_rescale, pixel_array

    if not any(name in data for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise DataError(f"{path}: a DICOM file without pixels; remove it, or let the pattern pass it over")
    try:
        raw = pixel_array(data)
        if data.PhotometricInterpretation == "MONOCHROME1":
            raw = (2 ** int(data.BitsStored) - 1 if data.PixelRepresentation == 0 else -1) - raw.astype(np.int64)
        pixels = apply_rescale(raw, data).astype(np.float32)
        return np.moveaxis(pixels, -1, 0) if data.SamplesPerPixel == 3 else pixels[None]
    except RuntimeError as error:  # pydicom names the packages that can decompress
        raise DataError(f"{path}: {error}") from error
    except (OSError, EOFError, ValueError, AttributeError, KeyError, TypeError, NotImplementedError) as error:
        raise DataError(f"{path}: damaged or truncated ({error}); copy or write it again") from error


def _places(slices: list[tuple[Any, Path]]) -> npt.NDArray[np.float64]:
    """Where each slice lies along the axis of the stack (millimetres); else its number in the series."""
    first, path = slices[0]
    if "ImageOrientationPatient" in first and all("ImagePositionPatient" in data for data, _ in slices):
        axis = _directions(first)[:, 0]
        return np.array([axis @ np.array(data.ImagePositionPatient, dtype=float) for data, _ in slices])
    if all(data.get("InstanceNumber") is not None for data, _ in slices):
        return np.array([float(data.InstanceNumber) for data, _ in slices])
    raise DataError(f"{path.parent}: slices say neither where they lie nor their number; write a NIfTI file instead")


def _directions(data: Any) -> npt.NDArray[np.float64]:
    """Unit vectors (3, 3) along which slices, rows and columns are counted; DICOM's axes run left, posterior, superior.

    Source: DICOM PS3.3 C.7.6.2.1.1; the first half of the orientation is the way from column to column.
    """
    along = np.array(data.get("ImageOrientationPatient") or (1, 0, 0, 0, 1, 0), dtype=float).reshape(2, 3)
    return np.column_stack([np.cross(along[0], along[1]), along[1], along[0]])


def _canonical(volume: Array, directions: npt.NDArray[np.float64]) -> Array:
    """Sides of (1, slices, rows, columns) flipped and swapped to run right, anterior and superior, as in NIfTI."""
    from nibabel.orientations import apply_orientation, io_orientation

    return apply_orientation(volume[0], io_orientation(_affine(directions)))[None]


def _affine(directions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """From slice, row and column to the axes of NIfTI, (4, 4), up to lengths and origin."""
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1.0, -1.0, 1.0]) @ directions
    return affine
