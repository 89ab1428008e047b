"""What tells the class without being a measurement: the site, a modality that is missing, the subject."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .task import Task

_PERMUTATIONS = 999
_STRENGTH = 0.2
_ROWS_EACH = 5

Codes = npt.NDArray[np.intp]


def confounds(task: Task) -> Iterator[str]:
    """Warn of sites and of absences that predict the class, and of subjects that stand for their class.

    An association is told when no label permutation of 999 (over subjects) reaches its chi-squared, p = 0.001, and
    Cramér's V, corrected for chance (Bergsma 2013, J. Korean Stat. Soc. 42, 323-328), is at least 0.2.
    """
    samples = task.samples
    _, first, subject = np.unique(samples.groups, return_index=True, return_inverse=True)
    y = task.y[first]
    if samples.sites is not None:
        _, site = np.unique(samples.sites[first], return_inverse=True)
        if (v := _association(site, y)) is not None:
            yield f"the site predicts the class ({_told(site, y, v)}): a method may learn the scanner, not the disease"
    for modality in samples.modalities:
        lacks = (~modality.present[first]).astype(np.intp)
        if (v := _association(lacks, y)) is not None:
            yield (
                f"whether modality {modality.name!r} is absent predicts the class ({_told(lacks, y, v)}): was it "
                "measured because of the diagnosis?"
            )
    if len(task) >= _ROWS_EACH * len(first) and (task.y == y[subject]).all():
        yield (f"all rows of a subject are of one class: scores rest on {len(first)} subjects, not on {len(task)} rows")


def cramers_v(a: Codes, b: Codes) -> tuple[float, float]:
    """Chi-squared of two columns of codes, and Cramér's V corrected for chance."""
    n = len(a)
    table = np.bincount(a * (b.max() + 1) + b, minlength=(a.max() + 1) * (b.max() + 1)).reshape(a.max() + 1, -1)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    squared = float(((table - expected) ** 2 / expected).sum())
    rows, columns = table.shape
    corrected = max(0.0, squared / n - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return squared, float(np.sqrt(corrected / least)) if least > 0 else 0.0


def _association(a: Codes, b: Codes) -> float | None:
    """Cramér's V where it is neither chance nor small, else None."""
    if len(a) < 2 or (a == a[0]).all() or (b == b[0]).all():
        return None
    squared, v = cramers_v(a, b)
    if v < _STRENGTH:
        return None
    rng = np.random.default_rng(0)
    # Sums over a table may differ in the last digits with the order of its entries; a tie counts against.
    chance = any(cramers_v(a, rng.permutation(b))[0] >= squared * (1 - 1e-9) for _ in range(_PERMUTATIONS))
    return None if chance else v


def _told(a: Codes, b: Codes, v: float) -> str:
    """How many subjects the commonest class for each value gets right, beside the commonest class overall."""
    right = sum(int(np.bincount(b[a == value]).max()) for value in np.unique(a))
    return (
        f"knowing it alone, {right / len(b):.0%} of subjects are told right, without it "
        f"{np.bincount(b).max() / len(b):.0%}; Cramér's V {v:.2f}"
    )
