"""Gaussian evidence in every form: how many values a row has, along which direction they tell, how they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..samples import Kind

Floats = npt.NDArray[np.float64]

AXES = {"table": 1, "signal": 1, "image": 2, "volume": 3, "roi": 2, "connectivity": 2}
ROI_VALUES = 3
LARGEST_GRID = 64


def check_forms(task: str, form: str | Sequence[str], widths: Sequence[int]) -> tuple[Kind, ...]:
    """The form of every modality: one name for all, or one name for each.

    Raises
    ------
    DataError: a form that does not exist, not one for each modality, a width that the form cannot have.
    """
    forms = (form,) * len(widths) if isinstance(form, str) else form
    if not isinstance(forms, Sequence | np.ndarray) or len(forms) != len(widths):
        raise DataError(
            f"task {task!r}: form is {form!r}; give one name for all {len(widths)} modalities, or one for each"
        )
    for m, (one, width) in enumerate(zip(forms, widths, strict=True)):
        if one not in AXES:
            raise DataError(f"task {task!r}: form is {form!r}; use {', '.join(AXES)}")
        if one == "connectivity" and width < 2:
            raise DataError(f"task {task!r}: width {m + 1} is {width}; a connectivity has at least two regions")
        if one in ("image", "volume") and width > LARGEST_GRID:
            raise DataError(f"task {task!r}: width {m + 1} is {width}; of {one}s it is at most {LARGEST_GRID}")
    return cast(tuple[Kind, ...], tuple(map(str, forms)))


def direction(form: Kind, width: int, rng: np.random.Generator) -> Floats:
    """A unit vector over the values of a row, (cells,).

    Of a signal, an image or a volume it is a Gaussian bump around a random place, with a standard deviation of an
    eighth of the width; else it is uniform over the sphere. Cells are ``width`` columns of a table or times of a
    signal, ``width`` squared pixels, cubed voxels, three values at each of ``width`` regions, or the edges among them.
    """
    if form in ("signal", "image", "volume"):
        bump: Floats = np.ones(())
        for _ in range(AXES[form]):
            away = np.arange(width) - rng.uniform(0.25, 0.75) * (width - 1)
            bump = np.multiply.outer(bump, np.exp(-(away**2) / (2 * max(1.0, width / 8) ** 2)))
        u = bump.ravel()
    else:
        cells = {"roi": ROI_VALUES * width, "connectivity": width * (width - 1) // 2}.get(form, width)
        u = rng.normal(size=cells)
    return u / np.linalg.norm(u)


def arranged(form: Kind, width: int, x: Floats) -> np.ndarray:
    """Rows of cells, (n, cells), in the shape of the form; connectivities are symmetric with a diagonal of zeros."""
    if form == "table":
        return x
    if form == "connectivity":
        first, second = np.triu_indices(width, 1)
        matrices = np.zeros((len(x), width, width))
        matrices[:, first, second] = matrices[:, second, first] = x
        return matrices
    if form == "roi":
        return x.reshape(len(x), width, ROI_VALUES)
    shaped = x.reshape(len(x), 1, *(width,) * AXES[form])
    return shaped if form == "signal" else shaped.astype(np.float32)
