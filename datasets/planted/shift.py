"""SHIFT: images or volumes of one subject that do not lie on each other."""

from __future__ import annotations

from collections.abc import Sequence

from ..card import TaskCard
from ..errors import DataError
from ..task import Task
from .grids import check_grid, grid_kind
from .options import check_between, check_whole
from .pulses import LEAST_WIDTH, displaced_pulses

card = TaskCard(
    name="shift",
    title="Planted: misaligned pictures",
    description=(
        "Every image or volume shows two blobs in Gaussian noise, and the class is which of them is brighter. In all "
        "modalities but the first the picture is displaced by whole pixels that differ from row to row."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("Displacements wrap around the edges of the picture.",),
)

LARGEST_SHIFT = 3


def load(
    n: int = 400,
    form: str = "image",
    size: int = 24,
    shift: int = 2,
    landmark: float = 4.0,
    width: float = 1.0,
    strengths: Sequence[float] = (1.5, 2.5),
    seed: int = 0,
) -> Task:
    """Modality m is N(0, I) plus two Gaussian blobs, left and right in the picture, moved by its displacement.

    Both blobs have a common part, alike in all rows, by which the displacement can be seen; in class 1 the left is
    brighter and in class 0 the right.

    Parameters
    ----------
    n: rows, half of them of each class.
    form: "image" or "volume".
    size: pixels or voxels along each axis, an even number.
    shift: the largest displacement along each axis, at most 3 and an eighth of the size; 0 for aligned pictures.
    landmark: norm of the common part; 0 for none.
    width: standard deviation of a blob, in pixels; from 0.25 to an eighth of the size.
    strengths: distance d_m between the class means of a modality at a known displacement, one for each.
    seed: labels, displacements and noise.

    Returns
    -------
    The task, arrays of shape (n, 1, *grid) in float32. ``truth["displacement"]`` has shape (n, M, axes), in the order
    of the array's axes, 0 for the first modality; ``truth["posterior"]`` is the true P(class 1 | row) and
    ``truth["aligned_posterior"]`` that for known displacements, both of shape (n,). ``bayes["accuracy_aligned"]`` is
    the best accuracy where they are known, Phi(s/2) with s^2 = sum_m d_m^2; the other scores are means over 20,000
    draws, with standard errors below 0.003.

    Raises
    ------
    DataError: fewer than 20 rows, another form, an odd size, values out of their range.
    """
    grid, strengths = check_grid("shift", n, form, size, strengths, seed)
    if size % 2:
        raise DataError(f"task 'shift': size is {size}; give an even number, so that blobs lie half of it apart")
    check_whole("shift", "shift", shift, 0, min(LARGEST_SHIFT, size // 8))
    check_between("shift", "landmark", landmark, 0)
    check_between("shift", "width", width, LEAST_WIDTH, size / 8)
    return displaced_pulses(card, n, grid_kind(form), grid, shift, landmark, width, strengths, seed)
