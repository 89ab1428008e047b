"""Large arrays made once, kept in the user's cache folder, and opened as memory maps."""

from __future__ import annotations

import hashlib
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..cache_folder import cache_folder
from ..errors import DataError

Row = np.ndarray | None
"""Values of one row, or None where there are none."""


def cached_rows(owner: str, key: Any, n: int, rows: Callable[[], Iterator[Row]]) -> np.memmap:
    """An array of n rows, float32, as a read-only memory map: made when it is first asked for, and held on disk only.

    The file appears whole or not at all. An owner has one array: a new key replaces the old file, which stays readable
    to whoever has it open.

    Parameters
    ----------
    owner: whose array it is.
    key: all that the values depend on; anything that JSON can hold.
    n: how many rows there are.
    rows: gives the n rows in order, all of one shape, one at a time; a row that is None becomes NaN.

    Raises
    ------
    DataError: the cache folder cannot be written or is full.
    """
    home = hashlib.sha256(owner.encode()).hexdigest()[:16]
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache_folder("arrays")
    path = folder / f"{home}-{name}.npy"
    if (found := _opened(path, n)) is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as stream:
            try:
                _write(stream, rows(), n)
                stream.flush()
                Path(stream.name).replace(path)
            finally:
                Path(stream.name).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written ({error.strerror or error}); make room there, or set FUSEBENCH_CACHE to "
            "another folder"
        ) from error
    for old in folder.glob(f"{home}-*.npy"):
        if old != path:
            with suppress(OSError):  # another process may have been faster
                old.unlink()
    made = _opened(path, n)
    if made is None:
        raise DataError(f"{path}: was removed or damaged while it was written; try again")
    return made


def is_cached(array: np.ndarray) -> bool:
    """Whether an array is a whole file of the cache, as it stands there; such a file never changes."""
    if not isinstance(array, np.memmap) or array.filename is None or not array.flags.c_contiguous:
        return False
    path = Path(array.filename)
    whole = _opened(path, len(array)) if path.parent == cache_folder("arrays") else None
    return whole is not None and whole.shape == array.shape and whole.dtype == array.dtype


def _opened(path: Path, n: int) -> np.memmap | None:
    """The array in that file; None when there is no such file, or one that is damaged."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if len(array) == n else None


def _write(stream: Any, rows: Iterator[Row], n: int) -> None:
    # Written, not mapped: writing to a map on a full disk kills the process, and its pages count as the process's own.
    absent = 0
    for first in rows:
        if first is not None:
            break
        absent += 1
    else:
        raise ValueError("no row has values")
    head = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False}
    np.lib.format.write_array_header_1_0(stream, {**head, "shape": (n, *first.shape)})
    empty = np.broadcast_to(np.float32(np.nan), first.shape)
    count = 0
    for row in itertools.chain(itertools.repeat(None, absent), [first], rows):
        stream.write(np.ascontiguousarray(empty if row is None else row, dtype=np.float32).data)
        count += 1
    if count != n:
        raise ValueError(f"{count} rows where {n} were promised")
