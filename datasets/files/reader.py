"""One file as an array: PNG, JPEG, TIFF, DICOM, NIfTI, NPY, TSV and CSV."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError

Array = npt.NDArray[np.float32]

_PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
_TABLES = {".tsv": "\t", ".csv": ","}
_PLAIN = {"image": 2, "volume": 3, "signal": 1, "roi": 2, "connectivity": 2}


def read_file(path: Path, kind: str, channels: str, missing: Sequence[str]) -> Array:
    """The values of one file.

    Parameters
    ----------
    path: a file; for a volume also a folder with the slices of one DICOM series.
    kind: what is expected.
    channels: "first" or "last", where an NPY file has them.
    missing: markers of an empty cell in TSV and CSV.

    Returns
    -------
    (channels, height, width) of an image; (channels, 3 sides) of a volume, whose sides run right, anterior and superior
    in NIfTI and DICOM series, and over pages, rows and columns in TIFF and single DICOM files; (channels, time) of a
    signal, which TSV and CSV hold one time point a line; (regions, features) and (regions, regions) as they stand.

    Raises
    ------
    DataError: damaged or truncated, another type than its name says, other sides than the kind has, not square where it
        is a connectivity, infinite values, no value at all, a package that is not installed.
    """
    try:
        array = _read(path, kind, channels, missing)
    except MemoryError as error:
        raise DataError(f"{path}: its header asks for more memory than there is; write the file again") from error
    if 0 in array.shape or np.isnan(array).all():
        raise DataError(f"{path}: holds no values; write it again, or remove the file (the row is then absent)")
    if np.isinf(array).any():
        cell = tuple(int(i) for i in np.argwhere(np.isinf(array))[0])
        raise DataError(f"{path}, cell {cell}: infinite value; replace it, or use NaN")
    if kind == "connectivity" and array.shape[0] != array.shape[1]:
        raise DataError(f"{path}: a connectivity is square, regions by regions, but this is {told(array.shape)}")
    return array


def voxel_mm(path: Path) -> npt.NDArray[np.float64]:
    """Sizes of the voxels, (3,) in mm, along the sides of the volume that ``read_file`` gives of that file or folder.

    Raises
    ------
    DataError: no NIfTI and no DICOM series, which alone tell; sizes that are missing or not positive; damaged.
    """
    if path.is_dir():
        from .dicom import series_voxel

        return series_voxel(path)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise DataError(f"{path}: only NIfTI files and DICOM series tell how large voxels are; remove spacing_mm")
    from .nifti import nifti_voxel

    return nifti_voxel(path)


def told(shape: Sequence[float]) -> str:
    """A shape in words."""
    return " x ".join(map(str, shape))


def _read(path: Path, kind: str, channels: str, missing: Sequence[str]) -> Array:
    name = path.name.lower()
    if path.is_dir():
        if kind != "volume":
            raise DataError(f"{path}: is a folder; a folder of slices is a volume, but kind {kind} is expected")
        from .dicom import read_series

        return read_series(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty; write it again, or remove it (the row is then absent)")
    if name.endswith((".nii", ".nii.gz")):
        from .nifti import read_nifti

        return _sided(read_nifti(path), kind, path)
    if path.suffix.lower() in _PICTURES:
        return _picture(path, kind)
    if path.suffix.lower() == ".npy":
        return _numpy(path, kind, channels)
    if path.suffix.lower() in _TABLES:
        return _table(path, kind, missing)
    if is_dicom(path):
        from .dicom import read_dicom

        return _sided(read_dicom(path), kind, path)
    raise DataError(
        f"{path}: cannot tell how to read it; files of a folder are PNG, JPEG, TIFF, DICOM, NIfTI, NPY, TSV or CSV"
    )


def is_dicom(path: Path) -> bool:
    """Whether a file is named like DICOM or begins like it; many have no ending."""
    if path.suffix.lower() in (".dcm", ".dicom", ".ima"):
        return True
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _sided(array: Array, kind: str, path: Path) -> Array:
    """(channels, sides) with as many sides as the kind has; last sides of one voxel may be too many."""
    sides = _PLAIN[kind]
    if kind not in ("image", "volume"):
        raise DataError(f"{path}: is an image, but kind {kind} is expected; correct kind")
    while array.ndim - 1 > sides and array.shape[-1] == 1:
        array = array[..., 0]
    found = array.ndim - 1
    if found != sides:
        cure = {2: 'set kind = "image"', 3: 'set kind = "volume"'}.get(found, "write one volume a file")
        raise DataError(f"{path}: {found}D ({told(array.shape[1:])}) where {sides}D is expected; {cure}")
    return array


def _picture(path: Path, kind: str) -> Array:
    Image, ImageOps = _pillow(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=(_PICTURES[path.suffix.lower()],)) as image:
                frames = getattr(image, "n_frames", 1)
                if kind == "image" and frames == 1:
                    return np.moveaxis(_pixels(ImageOps.exif_transpose(image)), -1, 0)
                pages = []
                for page in range(frames):
                    image.seek(page)
                    pages.append(_pixels(image))
    except Image.UnidentifiedImageError as error:
        raise DataError(
            f"{path}: is no {_PICTURES[path.suffix.lower()]} file, whatever its name says; write it again, or correct "
            "the pattern"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path}: {error}; make the image smaller") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DataError(f"{path}: damaged or truncated ({error}); copy or write it again") from error
    shapes = {page.shape for page in pages}
    if kind != "volume" or len(shapes) > 1:
        cure = "make all pages alike" if kind == "volume" else f'{frames} pages are a volume: set kind = "volume"'
        raise DataError(f"{path}: {frames} pages of {len(shapes)} sizes, but kind {kind} is expected; {cure}")
    if frames == 1:
        raise DataError(f'{path}: 2D where 3D is expected; set kind = "image", or name the folder of its slices')
    return np.moveaxis(np.stack(pages), -1, 0)


def _pixels(image: Any) -> Array:
    """(height, width, channels): one of grey, three of colour, transparency dropped."""
    if image.mode == "P":
        image = image.convert("RGB")
    elif image.mode in ("1", "LA", "La", "PA"):
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "F") and not image.mode.startswith("I"):
        image = image.convert("RGB")
    array = np.asarray(image, dtype=np.float32)
    return array[..., None] if array.ndim == 2 else array


def _pillow(path: Path) -> tuple[Any, Any]:
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise needs(path, "Pillow") from error
    return Image, ImageOps


def needs(path: Path, package: str) -> DataError:
    """What to say when a package is not installed."""
    return DataError(f"{path}: reading it needs {package}; install it with: pip install 'fusebench[imaging]'")


def _numpy(path: Path, kind: str, channels: str) -> Array:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            raise DataError(
                f"{path}: holds Python objects, which are never loaded: that can run code; save numbers"
            ) from error
        raise DataError(f"{path}: damaged or truncated ({error}); write it again with numpy.save") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise DataError(f"{path}: one array of numbers is expected; write it with numpy.save")
    sides = _PLAIN[kind]
    many = kind in ("image", "volume", "signal")
    if array.ndim == sides and many:
        return array.astype(np.float32)[None]
    if array.ndim != sides + many:
        raise DataError(
            f"{path}: {array.ndim}D ({told(array.shape)}) where a {kind} has {sides} sides"
            + (f", or {sides + 1} with channels" if many else "")
            + "; correct the file or kind"
        )
    array = array.astype(np.float32)
    return np.moveaxis(array, -1, 0) if many and channels == "last" else array


def _table(path: Path, kind: str, missing: Sequence[str]) -> Array:
    """Lines of numbers, below a line of names or not; the columns of a signal are its channels."""
    if kind in ("image", "volume"):
        raise DataError(f"{path}: a table of numbers, but kind {kind} is expected; correct kind")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    mark = _TABLES[path.suffix.lower()]
    rows = [(i, [cell.strip() for cell in line.split(mark)]) for i, line in enumerate(lines, 1) if line.strip()]
    if rows and _names(rows[0][1], missing):
        rows = rows[1:]
    values = []
    for line, cells in rows:
        if len(cells) != len(rows[0][1]):
            raise DataError(f"{path}, line {line}: {len(cells)} cells where {len(rows[0][1])} are expected; correct it")
        numbers = [_number(cell, missing) for cell in cells]
        if None in numbers:
            column = numbers.index(None)
            raise DataError(f"{path}, line {line}, column {column + 1}: {cells[column]!r} is not a number; correct it")
        values.append(numbers)
    array = np.array(values, dtype=np.float32).reshape(len(values), len(rows[0][1]) if rows else 0)
    return array.T if kind == "signal" else array


def _names(cells: Sequence[str], missing: Sequence[str]) -> bool:
    """Whether a line names columns: no cell is a number, or they count 0, 1, 2, ... as columns without names do."""
    if len(cells) > 2 and cells == [str(i) for i in range(len(cells))]:
        return True
    return not any(_number(cell, missing) is not None and cell not in missing for cell in cells)


def _number(cell: str, missing: Sequence[str]) -> float | None:
    if cell in missing or cell.lower() == "n/a":
        return math.nan
    try:
        return float(cell)
    except ValueError:
        return None
