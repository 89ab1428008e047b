"""Arrays from NPZ and NPY files; pickled objects are never read."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..samples import TABULAR
from .columns import Columns, plain
from .sources import Block, Rules
from .spec import FileSpec, ModalitySpec
from .toml import Keys, Ref


class Arrays:
    """The arrays of one NPZ file by name, or the one array of an NPY file.

    Raises
    ------
    DataError: not such a file, an array of objects, an array that is missing or does not fit.
    """

    parts: tuple[int, int] | None = None

    def __init__(self, spec: FileSpec, format_: str) -> None:
        self.spec = spec
        self._read: dict[str, np.ndarray] = {}
        try:
            if spec.path.suffix.lower() == ".npy":
                with spec.path.open("rb") as stream:
                    if stream.read(6) != b"\x93NUMPY":
                        raise ValueError("it does not begin like one")
                self._read[spec.path.stem] = np.load(spec.path, mmap_mode="r", allow_pickle=False)
                self.names: tuple[str, ...] = tuple(self._read)
            else:
                with zipfile.ZipFile(spec.path) as archive:
                    self.names = tuple(n.removesuffix(".npy") for n in archive.namelist())
        except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
            self._refuse_objects(spec.path.stem, error)
            raise DataError(f"{spec.path}: not an NPZ or NPY file ({error}); write it with numpy.savez") from error

    def __len__(self) -> int:
        return sum(self.parts) if self.parts else 0

    def place(self, row: int) -> str:
        """Which row, and of which part."""
        if self.parts and self.parts[1]:
            train = self.parts[0]
            return f"training row {row + 1}" if row < train else f"test row {row - train + 1}"
        return f"row {row + 1}"

    def has(self, column: Ref) -> bool:
        """Whether there is such an array."""
        return all(n in self.names for n in _all(column)) if isinstance(column, str | Keys) else False

    def names_of(self, columns: tuple[str | int, ...]) -> Iterator[str]:
        """The arrays of those names."""
        for name in columns:
            self._array(name)
            yield str(name)

    def texts(self, column: Ref, what: str) -> list[str]:
        """One text a row. The first column that is asked for says how many rows there are, and in which parts."""
        sizes = []
        words: list[str] = []
        for keys in (column.train, column.test) if isinstance(column, Keys) else ((column,),):
            part = [self._vector(key, what) for key in keys]
            sizes.append(sum(map(len, part)))
            words += [plain(cell) for vector in part for cell in vector.tolist()]
        parts = (sizes[0], sizes[1]) if len(sizes) == 2 else (sizes[0], 0)
        if self.parts is not None and self.parts != parts:
            raise DataError(
                f"{self.spec.path}: {what} ({column}) has {_told(parts)}, but others have {_told(self.parts)}"
            )
        self.parts = parts
        return words

    def block(self, modality: ModalitySpec, rules: Rules) -> Block:
        """The modality's array; a part that is not named is absent in all its rows."""
        keys = modality.array if modality.array is not None else self._guess(modality)
        where = f"{self.spec.path}: modality {modality.name!r}"
        leaks = [k for k in _all(keys) if k in rules.reserved]
        if leaks:
            raise DataError(
                f"{where}: array {leaks[0]!r} is the label, an id, the group or the split, not a measurement"
            )
        if isinstance(keys, Keys):
            if self.parts is None or not self.parts[1]:
                raise DataError(f"{where} has train and test arrays; give label and id the same way, as in "
                                'label = {train = "train_y", test = "test_y"}')  # fmt: skip
            array, present = self._joined(keys, self.parts, where)
        else:
            array = self._array(keys)
            if self.parts is None:
                self.parts = (len(array) if array.ndim else 0, 0)
            present = np.ones(len(array) if array.ndim else 0, dtype=bool)
        if array.ndim == 0 or len(array) != len(self):
            rows = len(array) if array.ndim else 0
            raise DataError(f"{where}: array {keys} has {rows} rows, but the label has {len(self)}; they must agree")
        if 0 in array.shape:
            raise DataError(f"{where} is empty: array {keys} has shape {array.shape}; remove it")
        if modality.kind not in TABULAR or array.dtype.kind not in "fiubU":
            if modality.columns is not None or modality.categorical:
                raise DataError(f"{where}: columns can be chosen for kind table or phenotype, not {modality.kind}")
            _check_finite(array, present, where, self)
            return Block(array, present)
        flat = array.reshape(len(array), -1)
        table = Columns(replace(self.spec, header=False), self._features(modality, flat.shape[1], where), list(flat.T))
        table.place = self.place  # type: ignore[method-assign]
        block = table.block(modality, Rules())
        return replace(block, present=block.present & present)

    def _features(self, modality: ModalitySpec, width: int, where: str) -> list[str]:
        names = modality.features
        if isinstance(names, str):
            names = tuple(plain(n) for n in self._vector(names, "features"))
        if names and len(names) != width:
            raise DataError(f"{where}: {width} columns but {len(names)} features; name each column once")
        return list(names) or [f"x{i + 1}" for i in range(width)]

    def _guess(self, modality: ModalitySpec) -> str:
        if modality.name in self.names:
            return modality.name
        if len(self.names) == 1:
            return self.names[0]
        raise DataError(
            f"{self.spec.path}: modality {modality.name!r}: say which array it is, as in array = {self.names[0]!r}; "
            f"arrays are {', '.join(self.names)}"
        )

    def _joined(self, keys: Keys, parts: tuple[int, int], where: str) -> tuple[np.ndarray, np.ndarray]:
        blocks: list[np.ndarray] = []
        for what, names, rows in (("training", keys.train, parts[0]), ("test", keys.test, parts[1])):
            part = [self._array(name) for name in names]
            found = sum(len(a) if a.ndim else 0 for a in part)
            if part and found != rows:
                raise DataError(f"{where}: {found} {what} rows in {' + '.join(names)}, but the label has {rows}")
            shapes = sorted({a.shape[1:] for a in part} | {b.shape[1:] for b in blocks})
            if len(shapes) > 1:
                raise DataError(f"{where}: parts of different shapes {shapes}; they must agree in all but the rows")
            blocks += part
        present = np.ones(sum(parts), dtype=bool)
        if not keys.test:
            present[parts[0] :] = False
            if blocks[0].dtype.kind == "U":
                raise DataError(f"{where}: text cannot be absent in the test rows; remove the modality")
            blocks.append(
                np.full((parts[1], *blocks[0].shape[1:]), np.nan, dtype=np.result_type(blocks[0], np.float32))
            )
        return np.concatenate(blocks), present

    def _vector(self, key: str | int, what: str) -> np.ndarray:
        array = self._array(key, what)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise DataError(
                f"{self.spec.path}: {what}: array {key!r} has shape {array.shape}; one value a row is needed"
            )
        return array

    def _array(self, key: str | int, what: str = "array") -> np.ndarray:
        if key not in self.names:
            close = difflib.get_close_matches(str(key), self.names, n=3, cutoff=0.6)
            told = f"did you mean {' or '.join(map(repr, close))}?" if close else f"arrays are {', '.join(self.names)}"
            raise DataError(f"{self.spec.path}: {what}: no array is called {key!r}; {told}")
        name = str(key)
        if name not in self._read:
            try:
                with np.load(self.spec.path, allow_pickle=False) as archive:
                    self._read[name] = archive[name]
            except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
                self._refuse_objects(name, error)
                raise DataError(f"{self.spec.path}: array {name!r} cannot be read ({error}); write it again") from error
        return self._read[name]

    def _refuse_objects(self, name: str, error: Exception) -> None:
        if "pickle" in str(error).lower() or "object array" in str(error).lower():
            raise DataError(
                f"{self.spec.path}: array {name!r} holds Python objects, which are never loaded: that can run code; "
                "save it as numbers or as text, as in array.astype(str)"
            ) from error


def _all(keys: Ref) -> tuple[str, ...]:
    return keys.train + keys.test if isinstance(keys, Keys) else (str(keys),)


def _told(parts: tuple[int, int]) -> str:
    return f"{parts[0]} training and {parts[1]} test rows" if parts[1] else f"{parts[0]} rows"


def _check_finite(array: np.ndarray, present: np.ndarray, where: str, source: Arrays) -> None:
    if array.dtype.kind != "f":
        return
    for row in np.flatnonzero(present):
        if np.isinf(array[row]).any():
            cell = tuple(int(i) for i in np.argwhere(np.isinf(array[row]))[0])
            raise DataError(f"{where}, {source.place(int(row))}, cell {cell}: infinite value; replace it, or use NaN")
