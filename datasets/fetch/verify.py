"""Counts and shapes of a fetched cohort beside the published ones: public copies are often altered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError


def verify(path: Path, counts: Mapping[str, tuple[Any, Any]]) -> None:
    """Compare what was found in a file with what was published, by name: ``{"rows": (found, published)}``.

    Raises
    ------
    DataError: anything differs; the message tells all that does.
    """
    told = [f"{what}: {found}, published {wanted}" for what, (found, wanted) in counts.items() if found != wanted]
    if told:
        raise DataError(
            f"{path} is not what was published ({'; '.join(told)}); public copies are often altered. Remove it and "
            "fetch it again, or describe your own copy in a TOML"
        )


def read_table(path: Path, delimiter: str | None, columns: int) -> npt.NDArray[np.float64]:
    """A plain file of numbers, shape (rows, columns), with ``?`` as a missing cell.

    Raises
    ------
    DataError: another number of columns in some line, or a cell that is no number.
    """
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        cells = [cell.strip() for cell in line.split(delimiter)]
        if cells in ([], [""]):
            continue
        if len(cells) != columns:
            verify(path, {f"cells in line {number}": (len(cells), columns)})
        try:
            rows.append([np.nan if cell == "?" else float(cell) for cell in cells])
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}; it is not the published file") from error
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def counts_of(y: npt.NDArray[Any]) -> list[int]:
    """How many rows each class has, in the order of the sorted labels."""
    return np.unique(y, return_counts=True)[1].tolist()


def codes(
    column: npt.NDArray[np.float64], values: Mapping[float, str], where: Path, name: str
) -> npt.NDArray[np.float64]:
    """A categorical column as codes 0..k-1 in the order of ``values``; NaN stays.

    Raises
    ------
    DataError: a value that is none of them.
    """
    known = list(values)
    found = np.full(len(column), np.nan)
    for code, value in enumerate(known):
        found[column == value] = code
    strange = ~np.isnan(column) & np.isnan(found)
    if strange.any():
        verify(where, {f"values of {name}": (sorted(set(column[strange].tolist())), f"only {known}")})
    return found
