"""Splits that depend on the task alone: official, repeated stratified group k-fold, or leave one site out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import DataError

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Split:
    """Row positions of one train/test division; ``train`` and ``test`` are sorted and share no subject."""

    repeat: int
    fold: int
    train: Rows
    test: Rows


@dataclass(frozen=True)
class CrossValidation:
    """Repeated stratified k-fold; subjects (groups) never straddle a fold."""

    folds: int = 5
    repeats: int = 1


@dataclass(frozen=True, eq=False)
class OfficialSplit:
    """The split that the data's authors published. Repeats refit on the same rows with other seeds.

    ``test``: shape (n,), True for test rows. ``train``: shape (n,), True for training rows; the rest when omitted.
    """

    test: npt.NDArray[np.bool_]
    train: npt.NDArray[np.bool_] | None = None
    repeats: int = 1


@dataclass(frozen=True)
class LeaveOneSiteOut:
    """Each site is the test set once."""


Protocol = CrossValidation | OfficialSplit | LeaveOneSiteOut


def derived_seed(*identity: object) -> int:
    """A seed in [0, 2**31) from the hash of what it is for, so that adding anything moves no one else's seed."""
    text = "\x1f".join(map(str, identity))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def stratified_folds(y: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Train and test positions of a shuffled stratified k-fold in which no group straddles.

    Raises
    ------
    DataError: a class has fewer rows (or subjects) than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    check_class_sizes(y, groups, folds)
    grouped = len(np.unique(groups)) < len(groups)
    splitter = (StratifiedGroupKFold if grouped else StratifiedKFold)(n_splits=folds, shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros(len(y)), y, groups if grouped else None)


def part_of(y: np.ndarray, groups: np.ndarray, train: Rows, fraction: float, seed: int) -> Rows:
    """A share of the training rows for learning curves: whole subjects, class by class, at least two of each.

    Subjects stand in one order for all fractions, so that smaller parts lie within larger ones; the order depends on
    the seed and the training rows alone. A subject counts for the class of its first row.

    Parameters
    ----------
    y, groups: labels and subjects of all rows of the task. train: positions of the training rows.
    fraction: above 0, at most 1.
    """
    if fraction >= 1:
        return train
    subjects, first, member = np.unique(groups[train], return_index=True, return_inverse=True)
    order = np.random.default_rng(derived_seed(seed, "part of", *train[:50])).permutation(len(subjects))
    label = y[train][first][order]
    chosen = np.zeros(len(subjects), dtype=bool)
    for c in np.unique(label):
        own = order[label == c]
        chosen[own[: min(len(own), max(2, round(fraction * len(own))))]] = True
    return train[chosen[member]]


def holdout(y: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> tuple[Rows, Rows]:
    """One stratified division by subject with about 1/folds of the rows held out: (kept, held out) positions.

    Folds shrink to what the smallest class allows. The only subject of a class is always kept, so that every class can
    be learnt; the held-out part then lacks it.

    Raises
    ------
    DataError: every class has a single subject, so that none can be held out.
    """
    labels = np.unique(y)
    subjects = [np.unique(groups[y == label]) for label in labels]
    alone = [members for members in subjects if len(members) == 1]
    if not alone:
        return next(stratified_folds(y, groups, min(folds, min(map(len, subjects))), seed))
    free = np.flatnonzero(~np.isin(groups, np.concatenate(alone)))
    if not len(free):
        raise DataError(
            "every class has a single subject, so that none can be held out; add subjects, or merge classes"
        )
    _, held = holdout(y[free], groups[free], folds, seed)
    return np.setdiff1d(np.arange(len(y)), free[held]), free[held]


def merge_rare(y: np.ndarray, groups: np.ndarray, folds: int) -> np.ndarray:
    """Strata (n,) for a division that rare classes must not make coarser or impossible.

    They are the classes, but those with fewer subjects than folds are dealt out together with the largest class.
    """
    subjects = {c: len(np.unique(groups[y == c])) for c in np.unique(y)}
    largest = max(subjects, key=lambda c: subjects[c])
    rare = [c for c, count in subjects.items() if count < folds]
    return np.where(np.isin(y, rare), largest, y)


def inner_folds(y: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Stratified folds by subject within training rows, which also work with rare classes: (kept, held out) positions.

    Every row is held out once; a kept part may lack a rare class. With fewer than two subjects there are no folds.
    """
    strata = merge_rare(y, groups, folds)
    folds = min(folds, *(len(np.unique(groups[strata == c])) for c in np.unique(strata)))
    return list(stratified_folds(strata, groups, folds, seed)) if folds > 1 else []


def check_class_sizes(y: np.ndarray, groups: np.ndarray, folds: int) -> None:
    """Raise DataError when a class has fewer subjects than folds."""
    for label in np.unique(y):
        subjects = len(np.unique(groups[y == label]))
        if subjects < folds:
            raise DataError(
                f"class {label} has {subjects} subjects, fewer than the {folds} folds; "
                "use fewer folds, or merge or drop the class"
            )


def make_splits(
    protocol: Protocol, y: np.ndarray, groups: np.ndarray, sites: np.ndarray | None, seed: int
) -> list[Split]:
    """All splits of a protocol; they depend on nothing but these arguments."""
    if isinstance(protocol, OfficialSplit):
        test = np.flatnonzero(protocol.test)
        train = np.flatnonzero(~protocol.test if protocol.train is None else protocol.train)
        return [Split(r, 0, train, test) for r in range(protocol.repeats)]
    if isinstance(protocol, LeaveOneSiteOut):
        if sites is None:
            raise DataError("leaving one site out needs the site of every row; name the site column")
        return [
            Split(0, i, np.flatnonzero(sites != site), np.flatnonzero(sites == site))
            for i, site in enumerate(np.unique(sites))
        ]
    return [
        Split(repeat, fold, train, test)
        for repeat in range(protocol.repeats)
        for fold, (train, test) in enumerate(
            stratified_folds(y, groups, protocol.folds, derived_seed(seed, "split", repeat))
        )
    ]
