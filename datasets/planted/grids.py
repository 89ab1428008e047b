"""What the planted images and volumes share: checked options and white noise on a square or cubic grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from ..samples import Kind
from ..splits import derived_seed
from .options import check_choice, check_strengths, check_whole

FORMS = ("image", "volume")
LEAST_SIZE = 8
LARGEST_SIZE = 64

Floats = npt.NDArray[np.float64]


def check_grid(
    task: str, n: int, form: str, size: int, strengths: Sequence[float], seed: int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The grid, (size, size) or (size, size, size), and the strengths as a tuple; DataError as for any option."""
    check_choice(task, "form", form, FORMS)
    check_whole(task, "size", size, LEAST_SIZE, LARGEST_SIZE)
    return (int(size),) * (2 if form == "image" else 3), check_strengths(task, n, strengths, seed, least=1)


def white_noise(task: str, seed: int, m: int, shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """Independent N(0, 1) values of modality m, shape (n, *grid); they depend on task, seed, m and shape alone."""
    rng = np.random.default_rng(derived_seed(task, seed, "noise", m))
    return rng.standard_normal(tuple(shape), dtype=np.float32)


def grid_kind(form: str) -> Kind:
    """The kind of modality of a form."""
    return cast(Kind, form)


def ball(grid: Sequence[int], centre: Sequence[float], radius: float) -> npt.NDArray[np.bool_]:
    """The cells, shape ``grid``, whose midpoints lie within the radius of the centre; lengths in cells."""
    away = [(np.arange(size) - c) ** 2 for size, c in zip(grid, centre, strict=True)]
    return np.asarray(sum(np.ix_(*away)) <= radius**2)
