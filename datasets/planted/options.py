"""Checked options of the planted tasks and of the simulated cohorts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from ..errors import DataError

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
