"""Official splits of own data: by a column, by files of ids, by rows, or by the parts of an NPZ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..splits import CrossValidation, LeaveOneSiteOut, OfficialSplit, Protocol
from .spec import SplitSpec, TaskSpec

Mask = npt.NDArray[np.bool_]


def protocol_of(
    spec: TaskSpec,
    n: int,
    ids: list[str] | None,
    flags: list[str] | None,
    parts: tuple[int, int] | None,
    kept: npt.NDArray[np.intp],
) -> Protocol:
    """The protocol over the kept rows.

    Parameters
    ----------
    n, ids: all rows, before those of dropped classes are left out.
    flags: the split column, one text a row, when the split is by a column.
    parts: training and test rows, when the arrays come in two parts.
    kept: the rows that stay.

    Raises
    ------
    DataError: two splits at once, values or ids that do not exist, rows beyond the table or in both parts.
    """
    split = spec.split
    official = parts is not None and parts[1] > 0
    if official and split.way:
        raise DataError(
            f"{spec.path}: [split]: the arrays already have train and test parts; remove this split by {split.way}"
        )
    if official and parts is not None:
        return OfficialSplit((np.arange(n) >= parts[0])[kept], repeats=split.repeats)
    if split.way in ("", "folds"):
        return CrossValidation(split.folds, split.repeats)
    if split.way == "site":
        return LeaveOneSiteOut()
    if split.way == "column":
        train, test = _by_column(spec, flags or [])
    elif split.way == "ids":
        train, test = _by_ids(spec, ids or [])
    else:
        train, test = _by_rows(spec.path, split, n)
    both = np.flatnonzero(train & test)
    if len(both):
        name = repr(ids[both[0]]) if ids is not None else str(both[0] + 1)
        raise DataError(f"{spec.path}: [split]: {len(both)} rows are in both parts, first {name}; keep each in one")
    return OfficialSplit(test[kept], train[kept], split.repeats)


def _by_column(spec: TaskSpec, flags: list[str]) -> tuple[Mask, Mask]:
    split = spec.split
    values = np.array(flags)
    told = f"values of {split.column!r} are {', '.join(map(repr, sorted(set(flags))[:8]))}"
    for value in (*split.test, *(split.train or ()), *split.unused):
        if value not in flags:
            raise DataError(f"{spec.path}: [split]: no row has {value!r}; {told}")
    test = np.isin(values, split.test)
    unused = np.isin(values, split.unused)
    train = ~test & ~unused if split.train is None else np.isin(values, split.train)
    neither = ~(train | test | unused)
    if neither.any():
        raise DataError(
            f"{spec.path}: [split]: {flags[int(neither.argmax())]!r} is in neither part; {told}: list each under "
            "train, test or unused"
        )
    return train, test


def _by_ids(spec: TaskSpec, ids: list[str]) -> tuple[Mask, Mask]:
    test = _listed(spec.split.test_ids, spec, ids)
    train = _listed(spec.split.train_ids, spec, ids)
    return _fill(train, test)


def _listed(path: Path | None, spec: TaskSpec, ids: list[str]) -> Mask | None:
    """Which ids stand in a file, one a line; a first line that repeats the id column's name is passed over."""
    if path is None:
        return None
    if not path.is_file():
        raise DataError(f"{path}: no such file ([split] of {spec.path}); give a text file with one id a line")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    known, listed = set(ids), set()
    for number, line in enumerate(lines, start=1):
        one = line.strip()
        if not one or (number == 1 and one == spec.id and one not in known):
            continue
        if one not in known:
            raise DataError(f"{path}, line {number}: {one!r} is not an id of the data; correct or remove it")
        listed.add(one)
    if not listed:
        raise DataError(f"{path}: names no ids; write one a line")
    return np.array([one in listed for one in ids])


def _by_rows(path: Path, split: SplitSpec, n: int) -> tuple[Mask, Mask]:
    return _fill(_ranges(path, "train_rows", split.train_rows, n), _ranges(path, "test_rows", split.test_rows, n))


def _ranges(path: Path, key: str, text: str, n: int) -> Mask | None:
    """Rows of "1-80, 90, 95-": the first data row is 1, both ends belong to it."""
    if not text:
        return None
    mask = np.zeros(n, dtype=bool)
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        last = (last or str(n)) if dash else first
        if not first.isdecimal() or not last.isdecimal():
            raise DataError(f'{path}: [split] {key}: {part.strip()!r} is not a range of rows; write "1-80" or "81-"')
        start, stop = int(first), int(last)
        if not 1 <= start <= stop <= n:
            raise DataError(f"{path}: [split] {key}: {part.strip()!r} does not fit; the data has rows 1-{n}")
        mask[start - 1 : stop] = True
    return mask


def _fill(train: Mask | None, test: Mask | None) -> tuple[Mask, Mask]:
    """The part that is not named is the rest."""
    if test is None and train is not None:
        test = ~train
    if train is None and test is not None:
        train = ~test
    if train is None or test is None:
        raise ValueError("one part at least must be named")
    return train, test
