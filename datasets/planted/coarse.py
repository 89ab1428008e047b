"""COARSE: the label shows in broad stripes alone, which edges and small patches cannot see."""

from __future__ import annotations

from collections.abc import Sequence

from ..card import TaskCard
from ..task import Task
from .grids import LARGEST_SIZE, LEAST_SIZE
from .options import check_whole
from .stripes import stripes

card = TaskCard(
    name="coarse",
    title="Planted: only in the broad picture",
    description=(
        "Images or volumes of white noise with broad stripes, whose direction is the class. High frequencies are "
        "alike in both classes, so that whatever looks at edges alone cannot beat chance."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("With a fixed phase a linear classifier of pixels can be optimal; with a free phase it is at chance.",),
)


def load(
    n: int = 400,
    form: str = "image",
    size: int = 24,
    cycles: int = 1,
    phase: str = "fixed",
    strengths: Sequence[float] = (2.4, 2.4),
    seed: int = 0,
) -> Task:
    """``cycles`` waves across the grid in N(0, I), along the last axis in class 0, along the one before in class 1.

    The best accuracy is Phi(s/2) with s^2 = sum_m d_m^2 at a fixed phase, 1 - exp(-s^2/8) / 2 at a free one.

    Parameters
    ----------
    n: rows, half of them of each class.
    form: "image" or "volume".
    size: pixels or voxels along each axis.
    cycles: periods across the grid, at most an eighth of the size.
    phase: "fixed", or "free": uniform, the same in all modalities of a row.
    strengths: distance d_m between the class means at a known phase, one for each modality.
    seed: labels, phases and noise.

    Returns
    -------
    The task, arrays of shape (n, 1, *grid) in float32. ``truth["posterior"]`` is the true P(class 1 | row) and
    ``truth["phase"]`` the phase in radians, both of shape (n,).

    Raises
    ------
    DataError: fewer than 20 rows, another form or phase, a size or frequency out of range, strengths that are not
        positive.
    """
    check_whole("coarse", "size", size, LEAST_SIZE, LARGEST_SIZE)
    check_whole("coarse", "cycles", cycles, 1, size // 8)
    return stripes(card, n, form, size, cycles, phase, strengths, seed)
