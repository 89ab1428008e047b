"""Where own data is read from: every format is one reader behind one interface, found by name or by file suffix.

A reader for another format is one more class with these methods and one more line in ``_READERS``. A folder with one
file a row is a source too (``folders``), but its values are read by ``images``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .spec import FileSpec, ModalitySpec
from .toml import Ref


@dataclass(frozen=True)
class Block:
    """The values of one modality as a source has them: shape (rows, ...), in the source's own order of rows."""

    array: np.ndarray
    present: npt.NDArray[np.bool_]
    features: tuple[str, ...] = ()
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What holds for all modalities of one file.

    ``reserved`` columns may never be in a modality (label, id, group, split); ``hidden`` ones only when named exactly,
    not through a pattern; ``categorical`` ones hold categories.
    """

    reserved: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    categorical: frozenset[str] = frozenset()


class Source(Protocol):
    """One opened file."""

    spec: FileSpec
    parts: tuple[int, int] | None
    """Training and test rows, where the file itself holds an official split."""

    def __len__(self) -> int: ...

    def has(self, column: Ref) -> bool:
        """Whether there is such a column or array."""

    def names_of(self, columns: tuple[str | int, ...]) -> Iterator[str]:
        """The columns that these names, patterns and positions mean; DataError when one means nothing."""

    def texts(self, column: Ref, what: str) -> list[str]:
        """One stripped text a row; DataError when there is no such column."""

    def block(self, modality: ModalitySpec, rules: Rules) -> Block:
        """The values of one modality; DataError when cells, columns or arrays do not fit."""

    def place(self, row: int) -> str:
        """Where a row stands in the file, for messages."""


_READERS = {
    "csv": ("tables", "TextTable", (".csv", ".data", ".txt")),
    "tsv": ("tables", "TextTable", (".tsv", ".tab")),
    "parquet": ("tables", "ParquetTable", (".parquet", ".pq")),
    "npz": ("arrays", "Arrays", (".npz", ".npy")),
}


def open_source(spec: FileSpec, asked_by: str) -> Source:
    """Open a file with the reader of its format.

    Parameters
    ----------
    spec: the file and how to read it.
    asked_by: the TOML and the place in it, for messages.

    Raises
    ------
    DataError: no such file, a folder, an empty file, an unknown format, or what the reader itself finds.
    """
    path = spec.path
    if spec.pattern or spec.suffix:
        from .folders import Folder

        return Folder(spec, asked_by)
    if path.is_dir():
        raise DataError(
            f"{path}: is a folder, not a file ({asked_by}); name a file in it, or use folder and pattern if each row "
            "has a file of its own"
        )
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*") if p.is_file())[:8] if path.parent.is_dir() else []
        there = f"that folder holds {', '.join(near)}" if near else "its folder is missing or empty"
        raise DataError(f"{path}: no such file ({asked_by}); {there}; correct the name, or say where the data lies")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty ({asked_by}); write it again or name another")
    name = spec.format or next((f for f, (*_, ends) in _READERS.items() if path.suffix.lower() in ends), "")
    if name not in _READERS:
        said = f"format {name!r}" if name else f"a file that ends in {path.suffix!r}"
        raise DataError(
            f"{path}: cannot tell how to read {said} ({asked_by}); set format to one of {', '.join(_READERS)}"
        )
    module, reader, _ = _READERS[name]
    return getattr(importlib.import_module(f".{module}", __package__), reader)(spec, name)
