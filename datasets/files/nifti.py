"""NIfTI files by nibabel."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .reader import needs, told

_MILLIMETRES = {"meter": 1000.0, "micron": 0.001}

Floats = npt.NDArray[np.float64]


def read_nifti(path: Path) -> npt.NDArray[np.float32]:
    """Scaled voxels (1, sides); the first three sides are flipped and swapped to run right, anterior and superior.

    Raises
    ------
    DataError: no NIfTI, damaged or truncated, voxels that are no numbers; nibabel is not installed.
    """
    image = _open(path)
    import nibabel
    from nibabel.spatialimages import HeaderDataError

    try:
        if image.get_data_dtype().kind not in "fiu":
            raise DataError(f"{path}: voxels are {image.get_data_dtype()}; write one number a voxel")
        if len(image.shape) >= 3:
            image = nibabel.as_closest_canonical(image)
        return image.get_fdata(dtype=np.float32, caching="unchanged")[None]
    except DataError:
        raise
    except (OSError, ValueError, EOFError, zlib.error, HeaderDataError, np.linalg.LinAlgError) as error:
        raise DataError(f"{path}: damaged or truncated ({error}); copy or write it again") from error


def nifti_voxel(path: Path) -> npt.NDArray[np.float64]:
    """Voxel sizes (3,) in mm along the sides of the volume that ``read_nifti`` gives; read from the header alone.

    Raises
    ------
    DataError: as of ``read_nifti``; a size that is no positive number.
    """
    image = _open(path)
    unit = _MILLIMETRES.get(image.header.get_xyzt_units()[0], 1.0)
    along = np.linalg.norm(image.affine[:3, :3], axis=0)
    return canonical_sizes(unit * along, image.affine, path)


def canonical_sizes(sizes: Floats, affine: Floats, path: Path) -> Floats:
    """Sizes (3,) along the sides of an array, in the order of these sides once they run right, anterior and superior.

    Raises
    ------
    DataError: a size that is no positive number.
    """
    from nibabel.orientations import io_orientation

    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise DataError(f"{path}: says that its voxels are {told(tuple(sizes))} mm; write it again")
    turned = np.empty(3)
    turned[io_orientation(affine)[:, 0].astype(int)] = sizes
    return turned


def _open(path: Path) -> Any:
    try:
        import nibabel
        from nibabel.filebasedimages import ImageFileError
        from nibabel.spatialimages import HeaderDataError
    except ImportError as error:
        raise needs(path, "nibabel") from error
    try:
        return nibabel.load(path)
    except ImageFileError as error:
        raise DataError(f"{path}: is no NIfTI file, whatever its name says; write it again") from error
    except (OSError, ValueError, EOFError, zlib.error, HeaderDataError, np.linalg.LinAlgError) as error:
        raise DataError(f"{path}: damaged or truncated ({error}); copy or write it again") from error
