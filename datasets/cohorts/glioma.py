"""A simulated cohort of gliomas: slices of T1 with contrast, T2 and FLAIR, low or high grade."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..planted.options import check_between, check_rows, check_whole
from ..samples import Modality, Samples
from ..task import Task
from .drawing import Floats, inside, plane, smooth_noise, stream, uniform
from .severity import MOST_DISAGREEMENT, LatentSeverity, check_strengths, overlap_at

card = TaskCard(
    name="glioma-cohort",
    title="Simulated: gliomas in T1ce, T2 and FLAIR slices",
    description=(
        "Axial slices of a brain with a tumour, in three MR sequences. A latent severity shows as ring enhancement in "
        "T1 with contrast, as necrosis in T2 and as oedema in FLAIR, each with a set correlation, and decides the "
        "grade, which is noted wrongly at a set rate. A subject may have several slices."
    ),
    origin="generated",
    licence="Apache-2.0",
    disease="glioma",
    planted=True,
    caveats=(
        "Slices are drawn, not scanned; anatomy is an oval with white matter, cortex and ventricles.",
        "The best score is for slices that are read without error, so that it is an upper bound.",
        "At the default settings the best accuracy lies between 0.799, which an observer of the arrays alone attains, "
        "and 0.813.",
    ),
)

TASK = "glioma-cohort"
MODALITIES = ("t1ce", "t2", "flair")
EDGE = 0.1
TISSUES: dict[str, tuple[float, float, float]] = {
    "t1ce": (0.6, 0.45, 0.12),
    "t2": (0.35, 0.48, 0.9),
    "flair": (0.42, 0.52, 0.1),
}
"""Brightness of white matter, cortex and fluid in every sequence."""


def load(
    n: int = 200,
    size: int = 40,
    slices: int = 1,
    strengths: Sequence[float] = (0.8, 0.6, 0.7),
    disagreement: float = 0.1,
    seed: int = 0,
) -> Task:
    """Severity z is N(0, 1); what a sequence shows of it is normal with correlation r_m, alike in all its slices.

    T1ce shows how bright the tumour's rim is, T2 which part of it is necrotic, FLAIR how far oedema reaches beyond it.
    The grade is high where z plus noise is above its median; the noise is such that it disagrees with the sign of z at
    the set rate.

    Parameters
    ----------
    n: subjects.
    size: pixels along each axis.
    slices: of each subject, evenly spaced through the tumour; there are n * slices rows.
    strengths: correlation r_m with severity of what T1ce, T2 and FLAIR show, from 0 to 0.99.
    disagreement: of the grade noted with that of the severity itself, from 0 to 0.4.
    seed: all random numbers.

    Returns
    -------
    The task: three images (n * slices, 1, size, size), float32; subjects are groups. In ``truth``, by row:
    ``severity``, ``clean`` grade and ``posterior``, P(high | all that is shown); ``shown`` (rows, 3); ``mask``
    (rows, size, size), tumour with oedema, outside of which severity changes no pixel. ``bayes`` is an upper bound,
    the score of reading what each sequence shows without error: accuracy 1/2 + asin(c) / pi. Slices of one subject
    show the same, so that it holds for one slice and for all of a subject's.

    Raises
    ------
    DataError: fewer than 20 subjects, numbers out of range.
    """
    check_rows(TASK, n, seed)
    check_whole(TASK, "size", size, 24, 96)
    check_whole(TASK, "slices", slices, 1, 9)
    check_between(TASK, "disagreement", disagreement, 0, MOST_DISAGREEMENT)
    overlap = overlap_at(disagreement, 2)
    rule = LatentSeverity(TASK, check_strengths(TASK, strengths, MODALITIES), overlap)
    drawn = rule.draw(n, seed)
    images, mask = _pictures(n, size, slices, drawn.shown, seed)
    rows = np.repeat(np.arange(n), slices)
    truth = {**{name: values[rows] for name, values in drawn.truth.items()}, "mask": mask}
    modalities = [Modality(name, "image", image[:, None].astype(np.float32)) for name, image in images.items()]
    samples = Samples(modalities, groups=rows)
    return Task(samples, drawn.label[rows], ("low", "high"), card, bayes=rule.scores(), truth=truth)


def _pictures(
    n: int, size: int, slices: int, shown: Floats, seed: int
) -> tuple[dict[str, Floats], npt.NDArray[np.bool_]]:
    """The three sequences, (n * slices, size, size) each, and where severity can change them."""
    from scipy.special import ndtr

    rows = np.repeat(np.arange(n), slices)
    # Where a slice cuts the tumour: 0 is its middle, 1 its pole.
    depth = np.tile(np.linspace(-0.6, 0.6, slices) if slices > 1 else np.zeros(1), n)[:, None, None]
    ring, necrosis, spread = (ndtr(v)[rows, None, None] for v in shown.T)

    y, x = plane(size)
    rng = stream(TASK, seed, "tumour")
    side = np.where(rng.random((n, 1, 1)) < 0.5, -1.0, 1.0)[rows]
    down, right = y - uniform(rng, n, -0.4, 0.35)[rows], x - side * uniform(rng, n, 0.28, 0.38)[rows]
    radius = uniform(rng, n, 0.2, 0.3)[rows] * np.sqrt(1 - depth**2)
    turn = np.arctan2(down, right)
    wobble = 1 + 0.12 * np.cos(3 * turn + uniform(rng, n, 0, 6)[rows]) + 0.08 * np.cos(5 * turn)
    tumour = np.hypot(down, right) / (radius * wobble)
    fingers = 1 + 0.25 * np.cos(4 * turn + uniform(rng, n, 0, 6)[rows])

    brain, tissue = _anatomy(n, size, seed)
    brain, tissue = brain[rows], {name: image[rows] for name, image in tissue.items()}
    reach = 1 + (0.1 + 1.1 * spread) * fingers
    t2_reach = 1 + 0.5 * fingers
    oedema = inside(tumour / reach, EDGE) * brain
    t2_oedema = inside(tumour / t2_reach, EDGE) * brain
    core = inside(tumour, EDGE) * brain
    dead = inside(tumour / (0.25 + 0.6 * necrosis), 0.15) * core
    rim = np.exp(-(((tumour - 0.85) / 0.2) ** 2)) * core

    t1ce = _over(tissue["t1ce"], core, 0.35)
    t1ce = t1ce + rim * (0.6 * ring - 0.05)
    t2 = _over(_over(_over(tissue["t2"], t2_oedema, 0.68), core, 0.6), dead, 0.98)
    flair = _over(_over(tissue["flair"], oedema, 0.85), core, 0.6)
    noise = stream(TASK, seed, "noise")
    images = {
        name: np.clip(image + 0.03 * noise.normal(size=image.shape), 0, None)
        for name, image in zip(MODALITIES, (t1ce, t2, flair), strict=True)
    }
    return images, (oedema > 0) | (t2_oedema > 0) | (core > 0)


def _over(below: Floats, weight: Floats, value: float) -> Floats:
    """Tissue of that brightness laid over a picture where the weight is 1."""
    return below * (1 - weight) + value * weight


def _anatomy(n: int, size: int, seed: int) -> tuple[Floats, dict[str, Floats]]:
    """Where the brain is, and its healthy tissue in every sequence, all (n, size, size)."""
    y, x = plane(size)
    rng = stream(TASK, seed, "anatomy")
    high, wide = uniform(rng, n, 0.86, 0.95), uniform(rng, n, 0.7, 0.8)
    brain = inside(np.hypot(y / high, x / wide), 0.03)
    folds = 0.05 * smooth_noise(rng, (n, size, size), size / 25, 2)
    white = inside(np.hypot(y / high, x / wide) / (0.82 + folds), 0.1)
    white = white * (1 - 0.8 * inside(np.abs(x) / 0.05, 0.5) * (np.abs(y) > 0.3))  # the fissure between the halves
    open_ = uniform(rng, n, 0.05, 0.09)
    horns = [
        inside(np.hypot((y + 0.05) / 0.3, (x - s * (0.12 + 0.25 * np.abs(y + 0.05))) / open_), 0.35) for s in (-1, 1)
    ]
    fluid = np.maximum(*horns)
    gain = uniform(rng, n, 0.92, 1.08)
    tissue = {}
    for name, (white_value, cortex_value, fluid_value) in TISSUES.items():
        image = _over(_over(np.full_like(brain, cortex_value), white, white_value), fluid, fluid_value)
        tissue[name] = gain * image * brain
    return brain, tissue
