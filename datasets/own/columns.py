"""Choosing columns by name, position, glob or range, and turning their cells into numbers or category codes."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..samples import TABULAR
from .sources import Block, Rules
from .spec import FileSpec, ModalitySpec
from .toml import Keys, Ref


class Columns:
    """A table as named columns of texts or numbers; the readers of tables build on it.

    Parameters
    ----------
    spec: the file.
    names: one name a column, all different.
    columns: as many sequences, each with one text or number a row.
    """

    parts: tuple[int, int] | None = None

    def __init__(self, spec: FileSpec, names: Sequence[str], columns: Sequence[Sequence[Any] | np.ndarray]) -> None:
        self.spec = spec
        self.names = tuple(names)
        self._columns = dict(zip(self.names, columns, strict=True))
        self._rows = len(columns[0]) if columns else 0
        twice = (
            sorted({n for n in self.names if self.names.count(n) > 1}) if len(self._columns) < len(self.names) else []
        )
        if twice:
            raise DataError(
                f"{spec.path}: column {twice[0]!r} stands twice in the first line; rename one, or set "
                'header = "skip" and use x1, x2, ... for the columns' + self._headless()
            )

    def __len__(self) -> int:
        return self._rows

    def place(self, row: int) -> str:
        """Where a row stands in the file."""
        return f"row {row + 1}"

    def has(self, column: Ref) -> bool:
        """Whether there is such a column."""
        if isinstance(column, int):
            return 0 < abs(column) <= len(self.names)
        return column in self._columns

    def texts(self, column: Ref, what: str) -> list[str]:
        """One stripped text a row; whole numbers without a decimal point."""
        return [plain(cell) for cell in self._columns[self._name(column, what)]]

    def names_of(self, columns: tuple[str | int, ...]) -> Iterator[str]:
        """The columns that these names, positions, globs ("F*R") and ranges ("a:f", "x1:x9:2") mean."""
        for item in columns:
            yield from self._match(item, self.names)

    def block(self, modality: ModalitySpec, rules: Rules) -> Block:
        """The modality's columns as one block of numbers, category codes, or (kind text) strings."""
        dropped = set(self.names_of(modality.drop))
        free = [n for n in self.names if n not in rules.reserved | rules.hidden]
        if modality.columns is None:
            chosen = [n for n in free if n not in dropped]
        else:
            found: dict[str, None] = {}
            for item in modality.columns:
                found.update(dict.fromkeys(self._match(item, free if _is_pattern(item, self.names) else self.names)))
            chosen = [n for n in found if n not in dropped]
        where = f"{self.spec.path}: modality {modality.name!r}"
        if not chosen:
            raise DataError(f"{where} is empty: no column is left for it; name its columns, or remove it")
        leaks = [n for n in chosen if n in rules.reserved]
        if leaks:
            raise DataError(f"{where}: column {leaks[0]!r} is the label, an id, the group or the split; leave it out")
        if modality.kind == "text":
            if len(chosen) > 1:
                raise DataError(f"{where}: text is one column, got {', '.join(chosen)}; make one modality of each")
            words = self.texts(chosen[0], "text")
            present = np.array([w not in self.spec.missing for w in words], dtype=bool)
            return Block(np.array(words, dtype=np.str_), present)
        own = set(self.names_of(modality.categorical))
        categorical = own | rules.categorical
        strange = own - set(chosen)
        if strange:
            raise DataError(f"{where}: categorical column {min(strange)!r} is not among its columns; correct the name")
        values = np.empty((len(self), len(chosen)))
        categories = {}
        for j, name in enumerate(chosen):
            if name in categorical:
                values[:, j], categories[name] = self._codes(name)
            else:
                values[:, j] = self._numbers(name)
            if len(values) and np.isnan(values[:, j]).all():
                raise DataError(f"{self.spec.path}, column {name!r}: has no value in any row; list it under drop")
        if modality.kind not in TABULAR and categories:
            raise DataError(f"{where}: categorical columns need kind table or phenotype, not {modality.kind}")
        present = np.ones(len(self), dtype=bool)
        if modality.allow_absent:
            present = np.asarray(~np.isnan(values).all(axis=1))
        return Block(values, present, tuple(chosen), categories)

    def _name(self, column: Ref, what: str) -> str:
        if isinstance(column, Keys):
            raise DataError(f"{self.spec.path}: {what}: parts {column} need an NPZ file; name a column here")
        if isinstance(column, int):
            if not self.has(column):
                raise DataError(f"{self.spec.path}: {what}: no column {column}; there are {len(self.names)}")
            return self.names[column - 1 if column > 0 else column]
        if column not in self._columns:
            raise DataError(f"{self.spec.path}: {what}: {self._absent(column)}")
        return column

    def _match(self, item: str | int, names: Sequence[str]) -> Iterator[str]:
        if isinstance(item, int) or item in self._columns:
            yield self._name(item, "columns")
            return
        if not _is_pattern(item, self.names):
            raise DataError(f"{self.spec.path}: {self._absent(item)}")
        if ":" in item:
            ends = item.split(":")
            step = ends.pop() if len(ends) == 3 else "1"
            if len(ends) != 2 or not step.isdecimal() or int(step) < 1:
                raise DataError(f'{self.spec.path}: {item!r} is not a range; write "first:last" or "first:last:step"')
            start, stop = (self.names.index(self._name(end, "columns")) for end in ends)
            if start > stop:
                raise DataError(
                    f"{self.spec.path}: range {item!r} runs backwards; {ends[1]!r} stands before {ends[0]!r}"
                )
            allowed = set(names)
            yield from (n for n in self.names[start : stop + 1 : int(step)] if n in allowed)
            return
        matched = [n for n in names if fnmatchcase(n, item)]
        if not matched:
            raise DataError(f"{self.spec.path}: no column matches {item!r}; {self._known()}")
        yield from matched

    def _absent(self, column: str) -> str:
        close = difflib.get_close_matches(column, self.names, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else self._known()
        return f"no column is called {column!r}; {hint}"

    def _known(self) -> str:
        more = ", ..." if len(self.names) > 12 else ""
        return f"columns are {', '.join(self.names[:12])}{more}{self._headless()}"

    def _headless(self) -> str:
        if self.spec.header is True and all(_is_number(n) for n in self.names):
            return ". The first line looks like data: if it is, set header = false"
        if len(self.names) == 1 and any(mark in self.names[0] for mark in ",;|\t"):
            return ". That is one column: set delimiter to the mark between the cells"
        return ""

    def _numbers(self, name: str) -> npt.NDArray[np.float64]:
        cells, missing, comma = self._columns[name], set(self.spec.missing), self.spec.decimal
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiub":
            values = cells.astype(np.float64)
        else:
            values = np.empty(len(cells))
            for row, cell in enumerate(cells):
                if cell is None or (cell := str(cell).strip()) in missing:
                    values[row] = np.nan
                    continue
                number = cell if comma == "." else cell.replace(".", "\0").replace(comma, ".")
                if not _is_number(number):
                    raise DataError(
                        f"{self.spec.path}, {self.place(row)}, column {name!r}: {cell!r} is not a number; correct it, "
                        "add it to missing, or list the column under categorical or drop"
                    )
                values[row] = float(number)
        bad = np.isinf(values)
        if bad.any():
            raise DataError(
                f"{self.spec.path}, {self.place(int(bad.argmax()))}, column {name!r}: infinite value; replace it, or "
                "leave the cell empty"
            )
        return values

    def _codes(self, name: str) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
        missing = set(self.spec.missing) | {"nan"}
        words = [tidy(w) if w not in missing else None for w in self.texts(name, "categorical")]
        names = tuple(ordered({w for w in words if w is not None}))
        code = {w: float(i) for i, w in enumerate(names)}
        return np.array([math.nan if w is None else code[w] for w in words]), names


def plain(cell: Any) -> str:
    """A cell as text: stripped, None as nothing, a whole number of a numeric column without its decimal point."""
    if cell is None:
        return ""
    if isinstance(cell, float | np.floating):
        return "nan" if math.isnan(cell) else str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    return str(cell).strip()


def tidy(value: str) -> str:
    """1.0 and 1 are one class: files of one data set often differ in that."""
    head, dot, tail = value.partition(".")
    return head if dot and head.lstrip("+-").isdecimal() and tail.strip("0") == "" else value


def ordered(words: set[str]) -> list[str]:
    """Numbers by value, everything else by the alphabet."""
    if all(_is_number(w) for w in words):
        return sorted(words, key=lambda w: (float(w), w))
    return sorted(words)


def _is_number(text: str) -> bool:
    if "_" in text:  # float() would read 1_000
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_pattern(item: str | int, names: Sequence[str]) -> bool:
    return isinstance(item, str) and item not in names and any(mark in item for mark in "*?[:")
