"""What the planted tasks share: checked options, and Gaussian evidence for a bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np
import numpy.typing as npt

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
    for what, value, low in (("n", n, LEAST_ROWS), ("seed", seed, 0)):
        if not whole(value) or value < low:
            raise DataError(f"{where}: {what} is {value!r}; give a whole number of at least {low}")
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
        if not whole(width) or width < 1:
            raise DataError(f"{where}: width {m + 1} is {width!r}; give a positive whole number of columns")
        if not isinstance(strength, Real) or not 0 < float(strength) < math.inf:
            raise DataError(f"{where}: strength {m + 1} is {strength!r}; give a positive number")
    return tuple(int(w) for w in widths), tuple(float(s) for s in strengths)


def whole(value: object) -> bool:
    """Whether a value is a whole number, of Python or NumPy, and no truth value."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def gaussian_evidence(
    task: str, bits: npt.NDArray[np.int64], widths: Sequence[int], strengths: Sequence[float], seed: int
) -> tuple[list[Modality], npt.NDArray[np.float64]]:
    """Modalities that each show one bit, and the log-odds of each bit given its modality.

    Row i of modality m is drawn from N((bits[i, m] - 1/2) d_m u_m, I) with a unit direction u_m that depends on the
    seed alone; its log-odds are d_m u_m . x.

    Parameters
    ----------
    bits: shape (n, M), 0 or 1.
    widths, strengths: columns and distance d_m between the two means, for each of the M modalities.
    """
    directions = np.random.default_rng(derived_seed(task, seed, "directions"))
    noise = np.random.default_rng(derived_seed(task, seed, "noise"))
    modalities, odds = [], []
    for m, (width, strength) in enumerate(zip(widths, strengths, strict=True)):
        direction = directions.normal(size=width)
        direction /= np.linalg.norm(direction)
        x = noise.normal(size=(len(bits), width)) + np.outer(bits[:, m] - 0.5, strength * direction)
        modalities.append(Modality(f"m{m + 1}", "table", x))
        odds.append(strength * (x @ direction))
    return modalities, np.column_stack(odds)
