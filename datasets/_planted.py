"""What the planted tasks share: checked options, and Gaussian evidence for a bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from ._planted_forms import arranged, check_forms, direction
from .errors import DataError
from .samples import Modality
from .splits import derived_seed

LEAST_ROWS = 20


def check_options(
    task: str, n: int, widths: Sequence[int], strengths: Sequence[float], seed: int, *, least: int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Widths and strengths as tuples.

    Raises
    ------
    DataError: too few rows or modalities, lists of different lengths, something that is not a positive number.
    """
    where = f"task {task!r}"
    check_rows(task, n, seed)
    for what, values in (("widths", widths), ("strengths", strengths)):
        if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
            raise DataError(f"{where}: {what} is {values!r}; give one number for each modality, as in (5, 5)")
    if len(widths) != len(strengths):
        raise DataError(
            f"{where}: {len(widths)} widths but {len(strengths)} strengths; give one of each for every modality"
        )
    if len(widths) < least:
        raise DataError(f"{where}: {len(widths)} modalities; it needs at least {least}")
    for m, (width, strength) in enumerate(zip(widths, strengths, strict=True)):
        check_whole(task, f"width {m + 1}", width, 1)
        check_positive(task, f"strength {m + 1}", strength)
    return tuple(int(w) for w in widths), tuple(float(s) for s in strengths)


def check_strengths(task: str, n: int, strengths: Sequence[float], seed: int, *, least: int) -> tuple[float, ...]:
    """Strengths as a tuple, where widths are no option; DataError as of ``check_options``."""
    return check_options(task, n, (1,) * count(strengths), strengths, seed, least=least)[1]


def count(values: object) -> int:
    """How many values a list has; 1 for what is no list, which is told later."""
    return len(values) if isinstance(values, Sequence | np.ndarray) else 1


def check_rows(task: str, n: int, seed: int) -> None:
    """DataError unless there are enough rows and the seed is one."""
    check_whole(task, "n", n, LEAST_ROWS)
    check_whole(task, "seed", seed, 0)


def check_whole(task: str, what: str, value: int, low: int, high: int | None = None) -> int:
    """The whole number, of Python or NumPy and no truth value, or DataError when it is none or out of its range."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if whole and low <= value and (high is None or value <= high):
        return int(value)
    told = f"of at least {low}" if high is None else f"from {low} to {high}"
    raise DataError(f"task {task!r}: {what} is {value!r}; give a whole number {told}")


def check_between(task: str, what: str, value: Any, low: float, high: float = math.inf) -> float:
    """The finite number in [low, high], or DataError."""
    real = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if real and low <= value <= high:
        return float(value)
    told = f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
    raise DataError(f"task {task!r}: {what} is {value!r}; give a number {told}")


def check_positive(task: str, what: str, value: float) -> float:
    """The finite number above zero, or DataError."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < math.inf:
        raise DataError(f"task {task!r}: {what} is {value!r}; give a positive number")
    return float(value)


def check_choice(task: str, what: str, value: str, choices: Sequence[str]) -> str:
    """One of the choices, or DataError."""
    if value not in choices:
        raise DataError(f"task {task!r}: {what} is {value!r}; give one of {', '.join(choices)}")
    return value


def balanced_labels(task: str, n: int, seed: int) -> npt.NDArray[np.int64]:
    """Labels 0 and 1, half of the n rows each, in an order that depends on task and seed."""
    return np.random.default_rng(derived_seed(task, seed, "labels")).permutation(np.arange(n) % 2)


def gaussian_evidence(
    task: str,
    bits: npt.NDArray[np.int64],
    widths: Sequence[int],
    strengths: Sequence[float],
    seed: int,
    form: str | Sequence[str] = "table",
) -> tuple[list[Modality], npt.NDArray[np.float64]]:
    """Modalities that each show one bit, and the log-odds of each bit given its modality.

    Row i of modality m is drawn from N((bits[i, m] - 1/2) d_m u_m, I) with a unit direction u_m that depends on the
    seed alone; its log-odds are d_m u_m . x.

    Parameters
    ----------
    bits: shape (n, M), 0 or 1.
    widths, strengths: columns and distance d_m between the two means, for each of the M modalities; where d_m is 0 the
        modality is noise.
    form: of all modalities, or of each; the width is then that along every axis, see ``_planted_forms.direction``.
    """
    forms = check_forms(task, form, widths)
    directions = np.random.default_rng(derived_seed(task, seed, "directions"))
    noise = np.random.default_rng(derived_seed(task, seed, "noise"))
    modalities, odds = [], []
    for m, (kind, width, strength) in enumerate(zip(forms, widths, strengths, strict=True)):
        u = direction(kind, width, directions)
        x = noise.normal(size=(len(bits), len(u))) + np.outer(bits[:, m] - 0.5, strength * u)
        modalities.append(Modality(f"m{m + 1}", kind, arranged(kind, width, x)))
        odds.append(strength * (x @ u))
    return modalities, np.column_stack(odds)
