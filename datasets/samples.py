"""Multimodal samples: n subjects by M named modalities, with what is missing said, never zero-filled in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from .errors import DataError, UnknownNameError

Kind = Literal["table", "image", "volume", "signal", "text", "roi", "connectivity", "phenotype"]
KINDS: tuple[str, ...] = get_args(Kind)
TABULAR: frozenset[str] = frozenset({"table", "phenotype"})
"""Kinds whose array is (n, columns) of float64 cells, NaN where a cell is missing."""

Rows = npt.NDArray[np.intp]

_PART_BYTES = 2**23


def _readonly(array: np.ndarray) -> np.ndarray:
    """A view of ``array`` that cannot be written through; the caller's own array keeps its flags."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Modality:
    """One way of measuring the subjects.

    Parameters
    ----------
    name: how it is called in tables and on the command line.
    kind: one of ``KINDS``.
    array: shape (N, ...), never of objects. Tables and phenotypes are (N, columns), float64, NaN for a missing cell;
        text is an array of strings. It may be a ``numpy.memmap``: rows are read when ``values`` is asked for.
    present: shape (n,), False where the whole modality was not measured for that row; all True when omitted.
        Rows of a float array that are not present hold NaN.
    features: the names of a table's columns; ``x0, x1, ...`` when omitted.
    categories: for categorical columns of a table, column name to category names; the cells hold codes 0..k-1 or NaN.
    rows: which rows of ``array`` these are, in order; set by indexing, so that a fold of a large volume copies nothing.

    Raises
    ------
    DataError: a kind that does not exist, a shape that does not fit, an array of objects.
    """

    name: str
    kind: Kind
    array: np.ndarray
    present: npt.NDArray[np.bool_] = field(default=None)  # type: ignore[arg-type]
    features: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: Rows | None = None

    def __post_init__(self) -> None:
        if self.rows is not None:  # made by take(): everything was checked when the whole was made
            return
        place = f"modality {self.name!r}"
        if self.kind not in KINDS:
            raise DataError(f"{place}: {self.kind!r} is not a kind; use one of {', '.join(KINDS)}")
        array = np.asanyarray(self.array)
        if array.dtype.hasobject:
            raise DataError(f"{place}: an array of objects cannot be used; give numbers (or strings for kind 'text')")
        if self.kind == "text":
            if array.ndim != 1 or array.dtype.kind != "U":
                raise DataError(f"{place}: text must be a row of strings, got {array.dtype} of shape {array.shape}")
        elif array.dtype.kind not in "fiub":
            raise DataError(f"{place}: kind {self.kind!r} needs numbers, got an array of {array.dtype}")
        elif array.ndim < 2 or 0 in array.shape[1:]:
            raise DataError(f"{place}: needs shape (rows, ...) with at least one value a row, got {array.shape}")
        if self.kind in TABULAR:
            if array.ndim != 2:
                raise DataError(f"{place}: a {self.kind} is rows by columns, got shape {array.shape}")
            array = array.astype(np.float64, copy=False)
        present = np.ones(len(array), dtype=bool) if self.present is None else np.asarray(self.present, dtype=bool)
        if present.shape != (len(array),):
            raise DataError(f"{place}: {len(array)} rows but {present.shape} present flags")
        gone = np.flatnonzero(~present)
        if array.dtype.kind == "f" and not all(np.isnan(array[row]).all() for row in gone):
            array = np.array(array)
            array[gone] = np.nan
        features = self.features
        if self.kind in TABULAR:
            features = tuple(features) or tuple(f"x{i}" for i in range(array.shape[1]))
            if len(features) != array.shape[1]:
                raise DataError(f"{place}: {array.shape[1]} columns but {len(features)} feature names")
            if len(set(features)) != len(features):
                twice = sorted({f for f in features if features.count(f) > 1})
                raise DataError(f"{place}: column names must differ; given twice: {', '.join(twice)}")
        unknown = set(self.categories) - set(features)
        if unknown:
            raise DataError(f"{place}: categories for columns that do not exist: {', '.join(sorted(unknown))}")
        object.__setattr__(self, "array", _readonly(array))
        object.__setattr__(self, "present", _readonly(present))
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "categories", {k: tuple(v) for k, v in self.categories.items()})

    def __len__(self) -> int:
        return len(self.present)

    @property
    def values(self) -> np.ndarray:
        """The rows' values, shape (n, ...), read-only; read from disk on each call when the array is a memmap."""
        return self.array if self.rows is None else _readonly(self.array[self.rows])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of ``values`` without reading it."""
        return (len(self), *self.array.shape[1:])

    @property
    def width(self) -> int:
        """Values in one row: columns of a table, pixels times channels of an image; 1 for text."""
        return int(np.prod(self.array.shape[1:], dtype=int))

    @property
    def complete(self) -> bool:
        """Whether every row has the modality and no cell of it is missing."""
        if not self.present.all():
            return False
        return self.array.dtype.kind != "f" or not any(np.isnan(part.values).any() for _, part in self.parts())

    def take(self, rows: Rows) -> Modality:
        """The modality of the given row positions, without copying values."""
        base = rows if self.rows is None else self.rows[rows]
        return replace(self, present=_readonly(self.present[rows]), rows=base)

    def parts(self) -> Iterator[tuple[int, Modality]]:
        """The rows a few megabytes at a time, with the position of the first: one on disk is never read whole."""
        step = max(1, _PART_BYTES // (self.array.itemsize * max(1, self.width)))
        for start in range(0, len(self), step):
            yield start, self.take(np.arange(start, min(start + step, len(self))))

    def absent(self) -> Modality:
        """The modality with no row that has it: NaN in floats, zeros or empty strings in all else."""
        row = np.full((1, *self.array.shape[1:]), np.nan if self.array.dtype.kind == "f" else 0, self.array.dtype)
        if self.array.dtype.kind == "U":
            row[:] = ""
        gone = np.zeros(len(self), dtype=bool)
        # One row stands for all, so that a large modality costs nothing to hide.
        return replace(self, array=_readonly(row), present=_readonly(gone), rows=np.zeros(len(self), dtype=np.intp))

    def __reduce__(self) -> tuple[Any, ...]:
        # Only the rows that were taken travel, and what arrives is read-only again.
        return type(self), (self.name, self.kind, self.values, self.present, self.features, dict(self.categories))


class Samples(Sequence["Samples"]):
    """n subjects by M modalities; immutable; indexable by rows, selectable by modality.

    Parameters
    ----------
    modalities: at least one, with distinct names and as many rows each.
    ids: shape (n,), a distinct name for every row; ``0..n-1`` when omitted.
    groups: shape (n,), the subject a row belongs to; rows of one subject are never on both sides of a split.
        Every row is its own subject when omitted.
    sites: shape (n,), where a row was measured, or None.

    ``samples[rows]`` takes a slice, positions or a boolean mask and gives ``Samples``; an integer gives one row, still
    as ``Samples``. ``len`` and ``shape`` let it pass through scikit-learn's splitters, pipelines and search.

    Raises
    ------
    DataError: no modality, two of one name, different lengths, duplicate ids.
    """

    def __init__(
        self,
        modalities: Iterable[Modality],
        *,
        ids: npt.ArrayLike | None = None,
        groups: npt.ArrayLike | None = None,
        sites: npt.ArrayLike | None = None,
    ) -> None:
        self._modalities: dict[str, Modality] = {}
        for modality in modalities:
            if modality.name in self._modalities:
                raise DataError(f"two modalities are called {modality.name!r}; give each its own name")
            self._modalities[modality.name] = modality
        if not self._modalities:
            raise DataError("samples need at least one modality")
        sizes = {name: len(m) for name, m in self._modalities.items()}
        n = next(iter(sizes.values()))
        if set(sizes.values()) != {n}:
            told = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise DataError(f"modalities must have the same rows in the same order, but their lengths differ: {told}")
        self.ids = self._column("ids", ids, n)
        if len(np.unique(self.ids)) != n:
            values, counts = np.unique(self.ids, return_counts=True)
            twice = ", ".join(str(v) for v in values[counts > 1][:5])
            raise DataError(f"ids must be distinct; given twice: {twice}; use groups for several rows of one subject")
        self.groups = self._column("groups", groups, n)
        self.sites = None if sites is None else self._column("sites", sites, n)

    @staticmethod
    def _column(what: str, values: npt.ArrayLike | None, n: int) -> np.ndarray:
        column = np.arange(n) if values is None else np.asarray(values)
        if column.dtype.hasobject:
            column = column.astype(str)
        if column.shape != (n,):
            raise DataError(f"{what}: need one value for each of the {n} rows, got shape {column.shape}")
        return _readonly(column)

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.ArrayLike], kinds: Mapping[str, Kind] | None = None, **columns: Any
    ) -> Samples:
        """Samples from plain arrays: two-dimensional ones are tables unless ``kinds`` says otherwise."""
        kinds = kinds or {}
        modalities = (Modality(name, kinds.get(name, "table"), np.asanyarray(a)) for name, a in arrays.items())
        return cls(modalities, **columns)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shape(self) -> tuple[int]:
        """(n,): what scikit-learn asks for to count and index rows."""
        return (len(self),)

    @property
    def names(self) -> tuple[str, ...]:
        """The modalities' names, in order."""
        return tuple(self._modalities)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities, in order."""
        return tuple(self._modalities.values())

    @property
    def complete(self) -> bool:
        """Whether no modality and no cell is missing in any row."""
        return all(m.complete for m in self.modalities)

    def modality(self, name: str) -> Modality:
        """The modality of that name; UnknownNameError with a suggestion when there is none."""
        if name not in self._modalities:
            raise UnknownNameError("modality", name, self._modalities)
        return self._modalities[name]

    def select(self, names: Sequence[str]) -> Samples:
        """The same rows with only the named modalities, in the order named."""
        return self._like([self.modality(name) for name in names], slice(None))

    def hide(self, names: Iterable[str]) -> Samples:
        """The same rows, in which the named modalities are absent and their values gone."""
        hidden = {self.modality(name).name for name in names}
        return self._like([m.absent() if m.name in hidden else m for m in self.modalities], slice(None))

    def __getitem__(self, rows: Any) -> Samples:
        if isinstance(rows, int | np.integer):
            if not -len(self) <= rows < len(self):
                raise IndexError(f"row {rows} of {len(self)}")
            rows = [rows]
        positions = np.arange(len(self))[rows]
        return self._like([m.take(positions) for m in self.modalities], positions)

    def __iter__(self) -> Iterator[Samples]:
        return (self[i] for i in range(len(self)))

    def _like(self, modalities: Sequence[Modality], rows: Any) -> Samples:
        new = object.__new__(type(self))  # the checks of __init__ hold for any subset
        new._modalities = {m.name: m for m in modalities}
        new.ids, new.groups = _readonly(self.ids[rows]), _readonly(self.groups[rows])
        new.sites = None if self.sites is None else _readonly(self.sites[rows])
        return new

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name in ("ids", "groups", "sites"):
            column = state[name]
            setattr(self, name, None if column is None else _readonly(column))

    def __repr__(self) -> str:
        parts = ", ".join(f"{m.name}: {m.kind}{list(m.shape[1:])}" for m in self.modalities)
        return f"Samples(n={len(self)}, {parts})"
