"""The files of a folder as one modality: each file read once, made alike, and kept on disk as one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files.lazy_arrays import Row, cached_rows
from ..files.reader import Array, read_file, told, voxel_mm
from ..files.resampling import resampled, respaced
from ..samples import Modality
from .folders import Folder
from .reading import SIDES, ReadSpec
from .spec import ModalitySpec

_VERSION = 1
"""Of what is made of a file; another number makes arrays in the cache be made again."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, as in Pillow
_NAMED = 5


def read_folder(folder: Folder, spec: ModalitySpec, ids: Sequence[str], owner: str) -> tuple[Modality, list[str]]:
    """The modality of the rows with those ids, as a memory map, and what a user should know about its files.

    Parameters
    ----------
    folder: the files that were found.
    spec: kind and treatment.
    ids: of the rows, in order. One without a file is absent; a file without a row is not read.
    owner: who describes the modality; the cache keeps one array for each.

    Raises
    ------
    DataError: no id has a file, one lacks it where that is forbidden, a file cannot be used, files of different shapes
        without a grid.
    """
    where = f"{folder.spec.path}: modality {spec.name!r}"
    paths = [folder.files[one].path if one in folder.files else None for one in ids]
    missing = [one for one, path in zip(ids, paths, strict=True) if path is None]
    if len(missing) == len(ids):
        raise DataError(
            f"{where}: none of the {len(ids)} ids has a file: ids are {_some(ids)}, files are for "
            f"{_some(list(folder.files))}; correct the pattern or the id column"
        )
    if missing and not spec.allow_absent:
        raise DataError(
            f"{where}: {len(missing)} of {len(ids)} ids have no file: {_some(missing)}; add them, or set "
            "allow_absent = true if they were not measured"
        )
    reader = _Reader(spec)
    key = [_VERSION, spec.kind, spec.channels, sorted(spec.file.missing) if spec.file else [], asdict(reader.reading),
           str(folder.root), [path and _stamp(path, folder) for path in paths]]  # fmt: skip
    array = cached_rows(f"{owner} {spec.name} {folder.root}", key, len(ids), lambda: reader.rows(paths))
    modality = Modality(spec.name, spec.kind, array, present=np.array([path is not None for path in paths]))
    return modality, list(_notes(folder, spec, ids, missing))


class _Reader:
    """Files to rows of one shape."""

    def __init__(self, spec: ModalitySpec) -> None:
        self.spec = spec
        self.reading = spec.reading or ReadSpec()
        self.missing = spec.file.missing if spec.file is not None else ()

    def rows(self, paths: Sequence[Path | None]) -> Iterator[Row]:
        first: tuple[Path, tuple[int, ...]] | None = None
        for path in paths:
            if path is None:
                yield None
                continue
            row = self._row(path)
            first = first or (path, row.shape)
            if row.shape != first[1]:
                raise DataError(
                    f"{path}: its shape is {told(row.shape)}, but {first[0]} has {told(first[1])}; "
                    f"{self._cure(row.shape, first[1])}"
                )
            yield row

    def _row(self, path: Path) -> Array:
        spec, reading = self.spec, self.reading
        array = read_file(path, spec.kind, spec.channels, self.missing)
        if reading.colour:
            array = coloured(array, reading.colour, path)
        if reading.spacing_mm:
            array = respaced(array, voxel_mm(path), reading.spacing_mm, reading.grid)
        elif reading.grid:
            array = resampled(array, reading.grid)
        return normalised(array, reading, by_channel=spec.kind == "signal")

    def _cure(self, shape: tuple[int, ...], other: tuple[int, ...]) -> str:
        if self.spec.kind == "image" and shape[1:] == other[1:]:
            return 'set colour = "grey" or "rgb"'
        if self.spec.kind in SIDES and shape[0] == other[0]:
            lengths = " (with spacing_mm, to keep lengths)" if self.spec.kind == "volume" else ""
            return f"set grid = {list(other[1:])} to bring all to one{lengths}, or correct the file"
        return "correct the file, or remove it (the row is then absent)"


def coloured(array: Array, colour: str, path: Path) -> Array:
    """An image (channels, height, width) in grey (1 channel) or in colour (3).

    Raises
    ------
    DataError: it has neither 1 nor 3 channels.
    """
    if len(array) not in (1, 3):
        raise DataError(f"{path}: {len(array)} channels are neither grey nor colour; remove colour")
    if colour == "grey":
        return array if len(array) == 1 else np.tensordot(_LUMA, array, axes=1)[None]
    return array if len(array) == 3 else np.repeat(array, 3, axis=0)


def normalised(array: Array, reading: ReadSpec, *, by_channel: bool) -> Array:
    """Values cut at percentiles and brought to a common range, from this array alone; missing values stay.

    Parameters
    ----------
    array: shape (channels, ...).
    by_channel: treat each channel by itself, as in signals of different units; else the whole array.
    """
    axes = tuple(range(1, array.ndim)) if by_channel else None
    if reading.clip:
        low, high = np.nanpercentile(array, reading.clip, axis=axes, keepdims=True)
        array = np.clip(array, low, high)
    if reading.normalise == "none":
        return array
    if reading.normalise == "minmax":
        centre, top = np.nanmin(array, axis=axes, keepdims=True), np.nanmax(array, axis=axes, keepdims=True)
        spread = top - centre
    else:
        exact = array.astype(np.float64)
        centre, spread = np.nanmean(exact, axis=axes, keepdims=True), np.nanstd(exact, axis=axes, keepdims=True)
    # What does not vary becomes 0, not rounding noise blown up.
    return (array - centre) / np.where(spread > 1e-6 * np.maximum(1e-30, np.abs(centre)), spread, 1.0)


def _stamp(path: Path, folder: Folder) -> list[list[str | int]]:
    """Name, size and time of change of a file, or of every file of a folder of slices."""
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    stats = [(file, file.stat()) for file in files]
    return [[folder.told(file), stat.st_size, stat.st_mtime_ns] for file, stat in stats]


def _notes(folder: Folder, spec: ModalitySpec, ids: Sequence[str], missing: Sequence[str]) -> Iterator[str]:
    name = f"modality {spec.name!r}"
    if missing:
        yield f"{name}: {_count(missing, 'row')} of {len(ids)} without a file, absent there: {_some(missing)}"
    known = set(ids)
    unused = [folder.told(found.path) for one, found in folder.files.items() if one not in known]
    if unused:
        yield f"{name}: {_count(unused, 'file')} not used, since no row has the id: {_some(unused)}"
    if folder.strangers:
        paths = list(map(folder.told, folder.strangers))
        yield f"{name}: {_count(paths, 'file')} not used, since the pattern does not match: {_some(paths)}"


def _count(items: Sequence[str], what: str) -> str:
    return f"{len(items)} {what}{'' if len(items) == 1 else 's'}"


def _some(items: Sequence[str]) -> str:
    return ", ".join(map(repr, items[:_NAMED])) + (f" and {len(items) - _NAMED} more" if len(items) > _NAMED else "")
