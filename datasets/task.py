"""A task: samples, labels, who belongs together, and how it is split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .card import TaskCard
from .errors import DataError
from .samples import TABULAR, Modality, Samples
from .splits import CrossValidation, LeaveOneSiteOut, OfficialSplit, Protocol, Split, check_class_sizes, make_splits


@dataclass(frozen=True, eq=False)
class Task:
    """What is classified, and under which protocol.

    Parameters
    ----------
    samples: n rows; they carry the subjects (groups) and sites.
    y: shape (n,), integer codes 0..C-1 into ``classes``.
    classes: the classes' names; every one occurs in y.
    card: what a reader must know; its name is the task's name.
    protocol: official split, repeated stratified group k-fold, or leave one site out.
    bayes: best achievable scores by metric name, where the generator knows them.
    truth: what a generator planted (flipped labels, masks, latent bits), by name, one row per sample.
    notes: what its reader has to say, such as which files it did not use; sentences for humans.
    about: columns (n,) of text to score subgroups by, such as sex or age band; no method sees them.

    Raises
    ------
    DataError: mismatched lengths, fewer than two classes, a class without rows, infinities, category codes out of
        range, columns or modalities without any value, subjects on both sides of an official split.
    """

    samples: Samples
    y: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    card: TaskCard
    protocol: Protocol = CrossValidation()  # noqa: RUF009 - frozen, so one for all is safe
    bayes: Mapping[str, float] = field(default_factory=dict)
    truth: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    about: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        y = np.array(self.y, dtype=np.int64)
        y.flags.writeable = False
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "classes", tuple(map(str, self.classes)))
        self._check()

    @property
    def name(self) -> str:
        """The task's name, from its card."""
        return self.card.name

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        return f"Task({self.name!r}, classes={list(self.classes)}, {self.samples!r})"

    def splits(self, seed: int = 0, folds: int | None = None, repeats: int | None = None) -> list[Split]:
        """The task's splits; folds and repeats override the protocol where it has them.

        Raises
        ------
        DataError: a class has fewer subjects than folds; a site protocol without sites.
        """
        protocol = self.protocol
        if isinstance(protocol, CrossValidation):
            protocol = CrossValidation(folds or protocol.folds, repeats or protocol.repeats)
            self._check_folds(protocol.folds)
        elif isinstance(protocol, OfficialSplit):
            protocol = replace(protocol, repeats=repeats or protocol.repeats)
        return make_splits(protocol, self.y, self.samples.groups, self.samples.sites, seed)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.y.flags.writeable = False

    def select(self, modalities: Sequence[str]) -> Task:
        """The same task with only the named modalities."""
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        return Task.trusted(**{**known, "samples": self.samples.select(modalities)})

    @classmethod
    def trusted(cls, **parts: Any) -> Task:
        """A task of parts that were checked before: the checks of the constructor would read every value again."""
        task = object.__new__(cls)
        for name, value in parts.items():
            object.__setattr__(task, name, value)
        return task

    def permuted(self, seed: int = 0) -> Task:
        """The same task with labels shuffled over rows: a method above chance on it sees what it must not see."""
        return replace(self, y=np.random.default_rng(seed).permutation(self.y), bayes={}, truth={})

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 of everything a result depends on: values, presence, labels, subjects, sites, protocol, names."""
        digest = hashlib.sha256()
        head: dict[str, Any] = {
            "name": self.name,
            "classes": self.classes,
            "protocol": type(self.protocol).__name__,
            "modalities": [
                [m.name, m.kind, str(m.array.dtype), m.shape, m.features, sorted(m.categories.items())]
                for m in self.samples.modalities
            ],
        }
        if isinstance(self.protocol, CrossValidation):
            head["folds"] = [self.protocol.folds, self.protocol.repeats]
        digest.update(json.dumps(head, sort_keys=True).encode())
        columns = [self.y, self.samples.ids, self.samples.groups]
        if self.samples.sites is not None:
            columns.append(self.samples.sites)
        if isinstance(self.protocol, OfficialSplit):
            columns.append(self.protocol.test)
            columns.append(~self.protocol.test if self.protocol.train is None else self.protocol.train)
        for column in columns:
            digest.update(f"{column.dtype}{column.shape}".encode() + np.ascontiguousarray(column).tobytes())
        for modality in self.samples.modalities:
            digest.update(modality.present.tobytes())
            for _, part in modality.parts():
                digest.update(np.ascontiguousarray(part.values).tobytes())
        return digest.hexdigest()

    def _check(self) -> None:
        where = f"task {self.name!r}"
        n = len(self.samples)
        if self.y.shape != (n,):
            raise DataError(f"{where}: {n} samples but labels of shape {self.y.shape}; give one label a row")
        if n and (self.y.min() < 0 or self.y.max() >= len(self.classes)):
            raise DataError(f"{where}: labels must be codes 0..{len(self.classes) - 1} into the class names")
        counts = np.bincount(self.y, minlength=len(self.classes))
        if (counts > 0).sum() < 2:
            only = self.classes[int(counts.argmax())] if n else "none"
            raise DataError(f"{where}: only one class ({only}) has rows; a comparison needs at least two")
        if (counts == 0).any():
            raise DataError(f"{where}: class {self.classes[int(counts.argmin())]!r} has no rows; drop its name")
        for modality in self.samples.modalities:
            _check_modality(modality, where)
        if isinstance(self.protocol, OfficialSplit):
            self._check_official(where, self.protocol)
        elif isinstance(self.protocol, LeaveOneSiteOut):
            self._check_sites(where)

    def _check_sites(self, where: str) -> None:
        sites, groups = self.samples.sites, self.samples.groups
        if sites is None or len(np.unique(sites)) < 2:
            raise DataError(f"{where}: leaving one site out needs at least two sites; name the site column")
        for site in np.unique(sites):
            inside = sites == site
            straddling = np.intersect1d(groups[inside], groups[~inside])
            if len(straddling):
                raise DataError(
                    f"{where}: subject {str(straddling[0])!r} has rows at site {str(site)!r} and at another; "
                    "leaving one site out needs each subject at one site"
                )
            missing = np.setdiff1d(np.arange(len(self.classes)), self.y[~inside])
            if len(missing):
                raise DataError(
                    f"{where}: class {self.classes[missing[0]]!r} occurs at site {str(site)!r} only, so it cannot be "
                    "learnt when that site is left out; merge or drop the class"
                )

    def _check_official(self, where: str, split: OfficialSplit) -> None:
        n = len(self)
        train = ~split.test if split.train is None else split.train
        if split.test.shape != (n,) or train.shape != (n,):
            raise DataError(f"{where}: the official split needs one flag for each of the {n} rows")
        if not split.test.any() or not train.any():
            raise DataError(f"{where}: the official split has no {'test' if train.any() else 'training'} rows")
        if (split.test & train).any():
            raise DataError(f"{where}: {int((split.test & train).sum())} rows are in both parts of the official split")
        straddling = np.intersect1d(self.samples.groups[split.test], self.samples.groups[train])
        if len(straddling):
            raise DataError(
                f"{where}: {len(straddling)} subjects have rows on both sides of the official split, first "
                f"{str(straddling[0])!r}; move all rows of a subject to one side"
            )
        missing = np.setdiff1d(np.arange(len(self.classes)), self.y[train])
        if len(missing):
            raise DataError(f"{where}: class {self.classes[missing[0]]!r} has no training rows in the official split")

    def _check_folds(self, folds: int) -> None:
        try:
            check_class_sizes(self.y, self.samples.groups, folds)
        except DataError:
            for code, label in enumerate(self.classes):
                subjects = len(np.unique(self.samples.groups[self.y == code]))
                if subjects < folds:
                    raise DataError(
                        f"task {self.name!r}: class {label!r} has {subjects} subjects, fewer than the {folds} folds; "
                        "use fewer folds (--folds), or merge or drop the class"
                    ) from None
            raise


def _check_modality(modality: Modality, where: str) -> None:
    """Refuse infinities, and columns or modalities without a single value."""
    where = f"{where}: modality {modality.name!r}"
    if not modality.present.any():
        raise DataError(f"{where} is absent in every row; remove it")
    if modality.array.dtype.kind != "f":
        return
    for start, part in modality.parts():
        bad = np.isinf(part.values)
        if bad.any():
            row, *cell = map(int, np.argwhere(bad)[0])
            column = f"column {modality.features[cell[0]]!r}" if modality.kind in TABULAR else f"cell {cell}"
            raise DataError(f"{where}, row {start + row}, {column}: infinite value; replace it or leave the cell empty")
    if modality.kind in TABULAR:
        empty = np.isnan(modality.values).all(axis=0)
        if empty.any():
            column = modality.features[int(empty.argmax())]
            raise DataError(f"{where}: column {column!r} has no value in any row; remove it")
        for column, names in modality.categories.items():
            codes = modality.values[:, modality.features.index(column)]
            bad = ~np.isnan(codes) & ~np.isin(codes, np.arange(len(names)))
            if bad.any():
                row = int(bad.argmax())
                raise DataError(
                    f"{where}, row {row}, column {column!r}: {codes[row]:g} is no code of its {len(names)} categories; "
                    f"give whole numbers 0..{len(names) - 1}, or NaN"
                )
