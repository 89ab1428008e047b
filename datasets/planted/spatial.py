"""SPATIAL: a lesion at a known place in two pictures of one subject; whether, or on which side, is the label."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..errors import DataError
from ..samples import Modality, Samples
from ..splits import derived_seed
from ..task import Task
from .evidence import balanced_labels
from .grids import ball, check_grid, grid_kind, white_noise
from .options import check_choice, check_positive, check_whole
from .scores import drawn_scores, gaussian_scores

card = TaskCard(
    name="spatial",
    title="Planted: a lesion at a known place",
    description=(
        "Images or volumes of white noise in which a ball is brighter, at the same place in every modality. The class "
        "is whether it is there, or on which side. Every changed pixel is known, so that explanations can be scored."
    ),
    origin="generated",
    licence="Apache-2.0",
    planted=True,
    caveats=("With one place, the same in all rows, a linear classifier of pixels can be optimal.",),
)


LABELS = ("presence", "side")

_DRAWS = 50_000


def load(
    n: int = 400,
    form: str = "image",
    size: int = 24,
    label: str = "presence",
    radius: float = 3.0,
    places: int = 1,
    strengths: Sequence[float] = (2.4, 2.4),
    seed: int = 0,
) -> Task:
    """Modality m is N(0, I) on the grid, plus a constant on the cells of the lesion.

    The lesion is a ball in the left half, or its mirror image in the right half. With ``label="presence"`` class 1 has
    it on the left and class 0 has none; with ``label="side"`` class 0 has it on the left and class 1 on the right. The
    constant is such that the class means are d_m apart for a lesion at a known place: d_m / sqrt(K) for K cells,
    d_m / sqrt(2 K) for sides. With one place the matched filter is the best rule, with accuracy Phi(s/2) where
    s^2 = sum_m d_m^2; with more, the likelihood is a mean over places, and a linear rule is not the best any more.

    Parameters
    ----------
    n: rows, half of them of each class.
    form: "image" or "volume".
    size: pixels or voxels along each axis.
    label: "presence" or "side".
    radius: of the lesion in pixels or voxels, below size / 4 so that it stays in its half.
    places: at how many places along the axis before the last it may be, each as likely; a divisor of the size, with
        lesions that do not overlap.
    strengths: distance d_m between the class means at a known place, one for each modality.
    seed: labels, places and noise.

    Returns
    -------
    The task, arrays of shape (n, 1, *grid) in float32. ``truth["mask"]`` says which cells the lesion changed, the same
    in all modalities, shape (n, *grid); ``truth["posterior"]`` is the true P(class 1 | row), shape (n,). With several
    places ``bayes`` is the mean of what the true posterior scores over 50,000 further draws.

    Raises
    ------
    DataError: fewer than 20 rows, another form or label, a size, radius or number of places out of range, strengths
        that are not positive.
    """
    grid, strengths = check_grid("spatial", n, form, size, strengths, seed)
    check_choice("spatial", "label", label, LABELS)
    check_positive("spatial", "radius", radius)
    check_whole("spatial", "places", places, 1, size)
    if radius >= size / 4:
        raise DataError(f"task 'spatial': radius is {radius!r}; give less than a quarter of the size, {size / 4:g}")
    if size % places or 2 * radius >= size / places:
        raise DataError(
            f"task 'spatial': places is {places}; give a divisor of the size, {size}, with room for lesions of radius "
            f"{radius:g}"
        )
    lesions = _lesions(grid, label, radius, places)
    if not lesions[1, 0].any():
        raise DataError(f"task 'spatial': radius is {radius!r}, which no {form} cell's middle lies within; give more")
    from scipy.special import expit, logsumexp

    y = balanced_labels("spatial", n, seed)
    place = np.random.default_rng(derived_seed("spatial", seed, "places")).integers(0, places, n)
    mask = lesions[y, place]
    cells = lesions[1, 0].sum() * (2 if label == "side" else 1)
    modalities, evidence = [], np.zeros((2, places, n))
    for m, d in enumerate(strengths):
        amount = d / np.sqrt(cells)
        x = white_noise("spatial", seed, m, (n, *grid))
        x += np.float32(amount) * mask
        flat = lesions.reshape(2, places, -1).astype(np.float64)
        evidence += amount * (flat @ x.reshape(n, -1).T) - amount**2 / 2 * flat.sum(axis=-1, keepdims=True)
        modalities.append(Modality(f"m{m + 1}", grid_kind(form), x[:, None]))
    truth = {"posterior": expit(np.subtract(*logsumexp(evidence[::-1], axis=1))), "mask": mask}
    s = float(np.linalg.norm(strengths))
    bayes = gaussian_scores(s) if places == 1 else dict(_scores_over_places(label, places, s))
    return Task(Samples(modalities), y, ("0", "1"), card, bayes=bayes, truth=truth)


def _lesions(grid: tuple[int, ...], label: str, radius: float, places: int) -> npt.NDArray[np.bool_]:
    """The cells of the lesion by class and place, (2, places, *grid)."""
    middle = [(size - 1) / 2 for size in grid]
    middle[-1] = (grid[-1] / 2 - 1) / 2
    left = []
    for k in range(places):
        middle[-2] = (k + 0.5) * grid[-2] / places - 0.5
        left.append(ball(grid, middle, radius))
    there = np.stack(left)
    return np.stack([there, np.flip(there, axis=-1)] if label == "side" else [np.zeros_like(there), there])


@lru_cache(maxsize=16)
def _scores_over_places(label: str, places: int, s: float) -> dict[str, float]:
    """What the true posterior scores, as a mean over draws of the log-likelihood ratio of each lesion against none."""
    from scipy.special import logsumexp

    rng = np.random.default_rng(derived_seed("spatial", "bayes", label, places, s))
    norm = s / np.sqrt(2) if label == "side" else s
    ratio = norm * rng.normal(size=(2, _DRAWS, places)) - norm**2 / 2
    # The first place stands for all; half of the draws are of each class.
    y = np.arange(_DRAWS) % 2
    ratio[y, np.arange(_DRAWS), 0] += norm**2
    if label == "presence":
        ratio[0] = 0.0
    return drawn_scores(np.subtract(*logsumexp(ratio[::-1], axis=2)))
