"""How the files of a folder become rows: what the TOML says about grid, colour and intensities."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import DataError
from .paths import split_pattern
from .toml import Section

SIDES = {"image": 2, "volume": 3, "signal": 1}
"""Kinds that can be resampled, with the sides of their grid."""

FOLDER_KINDS = (*SIDES, "roi", "connectivity")

_KEYS = ("pattern", "suffix", "grid", "spacing_mm", "colour", "normalise", "clip")
_OF_ONE_FILE = ("columns", "array", "features", "categorical", "drop", "shape", "id", "names", "label")


@dataclass(frozen=True)
class ReadSpec:
    """What is done to each file by itself, in this order; nothing here learns from other rows.

    Parameters
    ----------
    colour: "grey" or "rgb", or empty for what the files have, without alpha.
    grid: sides to resample to; empty when all files have the same.
    spacing_mm: sizes of the grid's voxels; empty to stretch the file's field of view over the grid.
    clip: percentiles of a file's values, at which they are cut.
    normalise: "zscore" (mean 0, standard deviation 1), "minmax" (0 to 1) or "none".
    """

    colour: str = ""
    grid: tuple[int, ...] = ()
    clip: tuple[float, ...] = ()
    normalise: str = "none"
    spacing_mm: tuple[float, ...] = ()


def read_reading(section: Section, kind: str) -> tuple[str, str, ReadSpec]:
    """Pattern, suffix and treatment of a modality whose files lie in a folder.

    Raises
    ------
    DataError: a kind that comes in one file, a key that belongs to one file, a grid that does not suit the kind.
    """
    if kind not in FOLDER_KINDS:
        section.fail("kind", f"a folder holds one file a row: use one of {', '.join(FOLDER_KINDS)}, not {kind}")
    for key in _OF_ONE_FILE:
        if key in section.table:
            section.fail(key, "belongs to a single file, not to a folder of files; remove it")
    pattern, suffix = section.text("pattern"), section.text("suffix")
    if bool(pattern) == bool(suffix):
        section.fail("pattern", 'give either pattern, as in "{id}_T1w.nii.gz", or (BIDS) suffix, as in "T1w"')
    if pattern:
        try:
            split_pattern(pattern)
        except DataError as error:
            section.fail("pattern", str(error))
    colour = section.choice("colour", ("grey", "rgb", ""), "")
    if colour and kind != "image":
        section.fail("colour", f"images have a colour, a {kind} has none; remove it")
    grid = _grid(section, kind)
    reading = ReadSpec(
        colour,
        grid,
        _clip(section),
        section.choice("normalise", ("none", "zscore", "minmax"), "none"),
        _spacing(section, kind, grid),
    )
    return pattern, suffix, reading


def refuse_reading(section: Section) -> None:
    """Refuse the keys of a folder where there is none."""
    for key in _KEYS:
        if section.get(key) is not None:
            section.fail(key, 'is for a folder with one file a row; add folder = "...", or remove it')


def _grid(section: Section, kind: str) -> tuple[int, ...]:
    if section.get("grid") is None:
        return ()
    if kind not in SIDES:
        section.fail("grid", f"a {kind} cannot be resampled; remove it")
    told = f"{SIDES[kind]} sides for kind {kind}, such as {[64] * SIDES[kind]}"
    grid = section.typed("grid", list, told, [])
    whole = all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in grid)
    if len(grid) != SIDES[kind] or not whole:
        section.fail("grid", f"needs {told}, got {grid}")
    return tuple(map(int, grid))


def _spacing(section: Section, kind: str, grid: tuple[int, ...]) -> tuple[float, ...]:
    asked = section.get("spacing_mm")
    if asked is None:
        return ()
    if kind != "volume":
        section.fail("spacing_mm", f"is for volumes, not for kind {kind}; remove it")
    if not grid:
        section.fail("spacing_mm", "needs to know how many voxels to keep; add grid, such as [64, 64, 64]")
    sizes = asked if isinstance(asked, list) else [asked] * len(grid)
    numbers = all(isinstance(s, int | float) and not isinstance(s, bool) and 0 < s < math.inf for s in sizes)
    if len(sizes) != len(grid) or not numbers:
        section.fail("spacing_mm", f"needs one number of millimetres, or {len(grid)}: [1, 1, 2.5]; got {asked!r}")
    return tuple(map(float, sizes))


def _clip(section: Section) -> tuple[float, ...]:
    clip = section.typed("clip", list, "two percentiles, such as [1, 99]", [])
    numbers = all(isinstance(p, int | float) and not isinstance(p, bool) for p in clip)
    if clip and not (numbers and len(clip) == 2 and 0 <= clip[0] < clip[1] <= 100):
        section.fail("clip", f"needs two percentiles from 0 to 100, such as [1, 99], got {clip}")
    return tuple(map(float, clip))
