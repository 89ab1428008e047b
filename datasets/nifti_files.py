"""NIfTI files by nibabel."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .errors import DataError
from .image_files import needs


def read_nifti(path: Path) -> npt.NDArray[np.float32]:
    """Scaled voxels (1, sides); the first three sides are flipped and swapped to run right, anterior and superior.

    Raises
    ------
    DataError: no NIfTI, damaged or truncated, voxels that are no numbers; nibabel is not installed.
    """
    try:
        import nibabel
        from nibabel.filebasedimages import ImageFileError
        from nibabel.spatialimages import HeaderDataError
    except ImportError as error:
        raise needs(path, "nibabel") from error
    try:
        image = nibabel.load(path)
        if image.get_data_dtype().kind not in "fiu":  # type: ignore[attr-defined]
            raise DataError(f"{path}: voxels are {image.get_data_dtype()}; write one number a voxel")  # type: ignore[attr-defined]
        if len(image.shape) >= 3:  # type: ignore[attr-defined]
            image = nibabel.as_closest_canonical(image)
        return image.get_fdata(dtype=np.float32, caching="unchanged")[None]  # type: ignore[attr-defined]
    except DataError:
        raise
    except ImageFileError as error:
        raise DataError(f"{path}: is no NIfTI file, whatever its name says; write it again") from error
    except (OSError, ValueError, EOFError, zlib.error, HeaderDataError, np.linalg.LinAlgError) as error:
        raise DataError(f"{path}: damaged or truncated ({error}); copy or write it again") from error
