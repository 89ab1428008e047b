"""Inner folds of machines that set each class against the rest, one part of the classes after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from fusebench.datasets.splits import Rows

from ..calibrate import out_of_fold
from ..vectors import Codes, Floats

Part = tuple[list[int], Callable[[Rows, Rows], Floats]]
"""Classes, and a score: fit on the first rows, one column for each of these classes on the second; the column of a
class without a row among the first is not looked at."""


def out_of_fold_by_part(
    parts: Iterable[Part], codes: Codes, groups: np.ndarray, folds: int, seed: int
) -> tuple[Rows, Floats]:
    """What ``calibrate.out_of_fold`` gives, with all folds of one part scored before the next part is asked for.

    So that what a part needs, such as its kernel matrix, is computed once and held alone.
    """
    plan: list[tuple[Rows, Rows]] = []

    def note(kept: Rows, held: Rows) -> Floats:
        plan.append((kept, held))
        return np.zeros((len(held), len(np.unique(codes[kept]))))

    out_of_fold(note, codes, groups, folds, seed)
    tables = [np.zeros((len(held), int(codes.max()) + 1)) for _, held in plan]
    for classes, score in parts:
        for (kept, held), table in zip(plan, tables, strict=True):
            table[:, classes] = score(kept, held)
        del score  # what it holds goes before the next part is made
    done = iter(tables)
    return out_of_fold(lambda kept, _: next(done)[:, np.unique(codes[kept])], codes, groups, folds, seed)
