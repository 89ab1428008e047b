"""What was understood of a task, and what looks suspicious in it, before anything is fitted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .confounds import confounds
from .samples import TABULAR, Modality
from .splits import LeaveOneSiteOut, OfficialSplit, Protocol
from .task import Task

_TINY_CLASS = 10
_NAMED = 3


@dataclass(frozen=True)
class ModalityReport:
    """One modality: values in one row, rows without it, missing cells in the rows that have it."""

    name: str
    kind: str
    shape: tuple[int, ...]
    width: int
    missing_rows: int
    missing_cells: int
    categorical: tuple[str, ...] = ()


@dataclass(frozen=True)
class SplitReport:
    """One split: rows and, in the order of the classes, rows of each class."""

    repeat: int
    fold: int
    train: int
    test: int
    train_classes: tuple[int, ...]
    test_classes: tuple[int, ...]


@dataclass(frozen=True)
class TaskReport:
    """What was understood of a task. ``sites`` pairs names with rows; ``warnings`` are sentences for humans."""

    name: str
    n: int
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    subjects: int
    sites: tuple[tuple[str, int], ...]
    protocol: str
    modalities: tuple[ModalityReport, ...]
    splits: tuple[SplitReport, ...]
    warnings: tuple[str, ...]
    fingerprint: str


def describe(task: Task, *, seed: int = 0) -> TaskReport:
    """What was understood of a task, with warnings about what often is a mistake.

    Warned of: what the task's reader noted, columns that never vary, blank images, rows given twice in all modalities
    or in one of images (with the same label, with contradicting labels, on both sides of a split), single columns that
    tell the class without any error, classes with few subjects, splits in which a class lacks training or test rows,
    modalities that are absent in all training or all test rows, confounds (``confounds``).

    Parameters
    ----------
    task: any task.
    seed: of the splits that are looked at; cross-validation has others for other seeds.

    Raises
    ------
    DataError: the task's protocol cannot be carried out, as when a class has fewer subjects than folds.
    """
    samples = task.samples
    splits = task.splits(seed)
    sites: tuple[tuple[str, int], ...] = ()
    if samples.sites is not None:
        names, counts = np.unique(samples.sites, return_counts=True)
        sites = tuple(zip(map(str, names), map(int, counts), strict=True))
    many = len(task.classes)
    return TaskReport(
        name=task.name,
        n=len(task),
        classes=task.classes,
        class_counts=_counts(task.y, many),
        subjects=len(np.unique(samples.groups)),
        sites=sites,
        protocol=protocol_text(task.protocol),
        modalities=tuple(map(_modality, samples.modalities)),
        splits=tuple(
            SplitReport(
                s.repeat,
                s.fold,
                len(s.train),
                len(s.test),
                _counts(task.y[s.train], many),
                _counts(task.y[s.test], many),
            )
            for s in splits
        ),
        warnings=(*task.notes, *_warnings(task, [(s.train, s.test) for s in splits])),
        fingerprint=task.fingerprint,
    )


def protocol_text(protocol: Protocol) -> str:
    """The protocol in a few words, as in "5-fold cross-validation, 3 repeats"."""
    if isinstance(protocol, LeaveOneSiteOut):
        return "leave one site out"
    told = "official split" if isinstance(protocol, OfficialSplit) else f"{protocol.folds}-fold cross-validation"
    return told if protocol.repeats == 1 else f"{told}, {protocol.repeats} repeats"


def _counts(y: npt.NDArray[np.int64], classes: int) -> tuple[int, ...]:
    return tuple(map(int, np.bincount(y, minlength=classes)))


def _modality(modality: Modality) -> ModalityReport:
    cells = 0
    if modality.array.dtype.kind == "f":
        cells = sum(int(np.isnan(part.values).sum()) for _, part in modality.parts())
        cells -= int((~modality.present).sum()) * modality.width  # an absent row is all NaN
    return ModalityReport(
        modality.name,
        modality.kind,
        modality.shape[1:],
        modality.width,
        int((~modality.present).sum()),
        cells,
        tuple(modality.categories),
    )


def _warnings(task: Task, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> Iterator[str]:
    yield from _class_warnings(task, splits)
    for modality in task.samples.modalities:
        if modality.kind in TABULAR:
            yield from _column_warnings(modality, task)
        elif modality.kind != "text":
            yield from _blank_warnings(modality, task)
        unseen = sum(not modality.present[train].any() for train, _ in splits)
        if unseen:
            yield f"modality {modality.name!r} is absent in all training rows of {unseen} of {len(splits)} splits"
        if all(not modality.present[test].any() for _, test in splits):
            yield f"modality {modality.name!r} is absent in every test row: it can only help in training"
    yield from _duplicate_warnings(task, splits)
    yield from confounds(task)


def _class_warnings(task: Task, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> Iterator[str]:
    for code, name in enumerate(task.classes):
        subjects = len(np.unique(task.samples.groups[task.y == code]))
        if subjects < _TINY_CLASS:
            yield f"class {name!r} has {subjects} subjects: scores of it will be mostly chance"
        for what, part in (("training", 0), ("test", 1)):
            lacking = sum(not (task.y[split[part]] == code).any() for split in splits)
            if lacking:
                yield f"class {name!r} has no {what} rows in {lacking} of {len(splits)} splits"


def _column_warnings(modality: Modality, task: Task) -> Iterator[str]:
    values = modality.values
    known = ~np.isnan(values)
    constant, tell_tale = [], []
    for j, name in enumerate(modality.features):
        rows = known[:, j]
        seen = values[rows, j]
        if len(seen) and (seen == seen[0]).all():
            constant.append(name)
        elif rows.sum() >= 2 * _TINY_CLASS and _tells_class(
            seen, task.y[rows], categorical=name in modality.categories
        ):
            tell_tale.append(name)
    if constant:
        yield f"modality {modality.name!r}: {_some(constant)} never var{'ies' if len(constant) == 1 else 'y'}"
    if tell_tale:
        yield (
            f"modality {modality.name!r}: {_some(tell_tale)} alone tell{'s' if len(tell_tale) == 1 else ''} the class "
            "without error: is it a copy of the label, or made after the diagnosis?"
        )


def _blank_warnings(modality: Modality, task: Task) -> Iterator[str]:
    blank = []
    for start, part in modality.parts():
        rows = part.values.reshape(len(part), -1)
        same = (rows == rows[:, :1]).all(axis=1) & part.present & (modality.width > 1)
        blank += [str(task.samples.ids[start + i]) for i in np.flatnonzero(same)]
    if blank:
        yield f"modality {modality.name!r}: {len(blank)} rows hold one value throughout: {_some(blank)}"


def _tells_class(values: np.ndarray, y: np.ndarray, *, categorical: bool) -> bool:
    """Whether every class is one interval of values (or a set of categories), and the values are enough to mean it."""
    if len(np.unique(y)) < 2:
        return False
    distinct, code = np.unique(values, return_inverse=True)
    if categorical and len(distinct) > len(values) // 5:
        return False  # with a category for nearly every row, any column would tell the class
    low = np.full(len(distinct), y.max() + 1)
    high = np.full(len(distinct), -1)
    np.minimum.at(low, code, y)
    np.maximum.at(high, code, y)
    if (low != high).any():
        return False
    return categorical or int((np.diff(low) != 0).sum()) == len(np.unique(y)) - 1


def _duplicate_warnings(task: Task, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> Iterator[str]:
    everywhere = list(_copy_warnings(task, splits, task.samples.modalities))
    yield from (told.format("in all modalities") for told in everywhere)
    for modality in task.samples.modalities:
        if modality.kind not in (*TABULAR, "text"):  # two columns may agree by chance; two images do not
            alone = list(_copy_warnings(task, splits, [modality]))
            yield from (told.format(f"in modality {modality.name!r}") for told in alone if told not in everywhere)


def _copy_warnings(
    task: Task, splits: Sequence[tuple[np.ndarray, np.ndarray]], modalities: Sequence[Modality]
) -> Iterator[str]:
    """Sentences with a place {} for the modalities' names."""
    there = np.any([m.present for m in modalities], axis=0)
    copies = np.where(there, _copies(modalities), -1)
    names, sizes = np.unique(copies[there], return_counts=True)
    if (sizes == 1).all():
        return
    twice = np.isin(copies, names[sizes > 1])
    ids = task.samples.ids[np.flatnonzero(twice)]
    yield f"{int(twice.sum())} rows have the same values as another row {{}}: {_braced(ids)}"
    contrary = [name for name in names[sizes > 1] if len(np.unique(task.y[copies == name])) > 1]
    if contrary:
        ids = task.samples.ids[np.isin(copies, contrary)]
        yield f"{len(ids)} of them contradict each other: same values, different classes: {_braced(ids)}"
    shared = (np.intersect1d(copies[train], copies[test]) for train, test in splits)
    astride = sum(bool((both >= 0).any()) for both in shared)
    if astride:
        told = f"{astride} of {len(splits)} splits"
        yield f"copies of one row {{}} are on both sides of {told}: remove them, or give them one group"


def _braced(ids: np.ndarray) -> str:
    """A few ids, for a sentence that is formatted later."""
    return _some(list(map(str, ids))).replace("{", "{{").replace("}", "}}")


def _copies(modalities: Sequence[Modality]) -> npt.NDArray[np.intp]:
    """A number for every row, the same for rows that agree in all values of those modalities."""
    digests = [hashlib.sha256() for _ in range(len(modalities[0]))]
    for modality in modalities:
        for start, part in modality.parts():
            values = np.ascontiguousarray(part.values)
            if values.dtype.kind == "f":
                values = values + 0.0  # -0.0 and 0.0 are one value
            for i, row in enumerate(values):
                digests[start + i].update(row.tobytes() + part.present[i].tobytes())
    return np.unique([d.hexdigest() for d in digests], return_inverse=True)[1]


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_NAMED])) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
