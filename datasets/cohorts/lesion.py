"""A simulated cohort of breast lesions: B-mode texture, colour Doppler flow, readers' grades and biopsies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..planted.options import check_between, check_choice, check_rows, check_whole
from ..samples import Modality, Samples
from ..task import Task
from .drawing import Floats, plane, smooth_noise, stream, uniform
from .severity import MOST_DISAGREEMENT, Codes, Draw, LatentSeverity, check_strengths, overlap_at

card = TaskCard(
    name="lesion-cohort",
    title="Simulated: lesions in B-mode and colour Doppler",
    description=(
        "Two ultrasound pictures of one lesion: texture and outline in B-mode, flow in colour Doppler. Both show a "
        "latent severity with a set correlation. Biopsies tell it rightly; readers give one of four grades, which "
        "disagree with the biopsy at a set rate. A subject may have several lesions."
    ),
    origin="generated",
    licence="Apache-2.0",
    disease="breast cancer",
    planted=True,
    caveats=(
        "Pictures are drawn, not scanned; speckle and outlines only resemble ultrasound.",
        "The best score is for pictures that are read without error, so that it is an upper bound.",
        "At the default settings the best accuracy lies between 0.811, which an observer of the arrays alone attains, "
        "and 0.835.",
    ),
)

TASK = "lesion-cohort"
MODALITIES = ("bmode", "doppler")
GRADES = ("2", "3", "4", "5")
BIOPSIES = ("benign", "malignant")
SHARE = 0.3

Pixels = npt.NDArray[np.float32]


def load(
    n: int = 200,
    size: int = 40,
    label: str = "biopsy",
    lesions: int = 3,
    strengths: Sequence[float] = (0.8, 0.75),
    disagreement: float = 0.15,
    seed: int = 0,
) -> Task:
    """Severity z is N(0, 1); the biopsy is malignant where it is above the median.

    What a picture shows is normal with correlation r_m to z. In B-mode it is how ragged the outline and how uneven the
    echo within is; in Doppler, which share of the lesion has flow. The readers' latent is normal too, with correlation
    cos(pi disagreement) to z; its quartiles are the grades 2 to 5, and "4" and "5" mean that the lesion is suspect. So
    suspicion and biopsy disagree at the set rate. Severities of lesions of one subject have correlation 0.3.

    Parameters
    ----------
    n: lesions (rows).
    size: pixels along each axis.
    label: "biopsy" (benign, malignant) or "grade" (four of them); the other is in ``truth``.
    lesions: most of one subject, who has from one to so many.
    strengths: correlation r_m with severity of what B-mode and Doppler show, from 0 to 0.99.
    disagreement: of suspicion with biopsy, from 0 to 0.4.
    seed: all random numbers.

    Returns
    -------
    The task: ``bmode`` (n, 1, size, size) and ``doppler`` (n, 3, size, size, red, green, blue), both float32 in
    [0, 1]; subjects are groups. In ``truth``: ``severity``, ``biopsy``, ``grade``, ``clean`` (class of the severity
    itself) and ``posterior``, all (n, ...); ``shown`` (n, 2); ``mask`` (n, size, size), the lesion, outside of which
    severity changes no pixel. ``bayes`` is an upper bound, the score of reading what each picture shows without error
    and knowing nothing of the subject's other lesions: 1/2 + asin(c) / pi for the biopsy.

    Raises
    ------
    DataError: fewer than 20 rows, another label, numbers out of range.
    """
    check_rows(TASK, n, seed)
    check_whole(TASK, "size", size, 24, 96)
    check_whole(TASK, "lesions", lesions, 1, 5)
    check_choice(TASK, "label", label, ("biopsy", "grade"))
    check_between(TASK, "disagreement", disagreement, 0, MOST_DISAGREEMENT)
    strengths = check_strengths(TASK, strengths, MODALITIES)
    subjects = _subjects(n, lesions, seed)
    by_biopsy = LatentSeverity(TASK, strengths)
    # Grades are quartiles of a latent whose upper half disagrees with the biopsy at the given rate.
    by_reader = LatentSeverity(TASK, strengths, overlap_at(disagreement, 2), len(GRADES))
    biopsy, grade = (rule.draw(n, seed, subjects, SHARE) for rule in (by_biopsy, by_reader))
    drawn, rule, classes = (biopsy, by_biopsy, BIOPSIES) if label == "biopsy" else (grade, by_reader, GRADES)
    bmode, doppler, mask = _pictures(n, size, subjects, drawn, seed)
    truth = {**drawn.truth, "biopsy": biopsy.label, "grade": grade.label, "mask": mask}
    samples = Samples([Modality("bmode", "image", bmode), Modality("doppler", "image", doppler)], groups=subjects)
    return Task(samples, drawn.label, classes, card, bayes=rule.scores(), truth=truth)


def _subjects(n: int, most: int, seed: int) -> Codes:
    """Codes 0, 1, ... of the subject of every lesion, each with 1 to ``most`` of them."""
    counts = stream(TASK, seed, "lesions").integers(1, most + 1, size=n)
    return np.repeat(np.arange(n), counts)[:n]


def _pictures(
    n: int, size: int, subjects: Codes, drawn: Draw, seed: int
) -> tuple[Pixels, Pixels, npt.NDArray[np.bool_]]:
    """B-mode, Doppler and the mask of every lesion. What severity moves is drawn within the mask alone."""
    from scipy.special import ndtr

    rng = stream(TASK, seed, "shape")
    y, x = plane(size)
    down, right = y - uniform(rng, n, -0.1, 0.25), x - uniform(rng, n, -0.25, 0.25)
    wide = uniform(rng, n, 0.38, 0.5)
    tall = wide * uniform(rng, n, 0.6, 0.8)
    oval = np.hypot(down / tall, right / wide)
    turn = np.arctan2(down / tall, right / wide)
    ragged = ndtr(drawn.shown[:, 0])[:, None, None]
    spikes = sum(np.cos(k * turn + uniform(rng, n, 0, 2 * np.pi)) for k in (5, 8, 11)) / 3
    # Spikes only ever reach outwards, so that the oval of Doppler is within the mask.
    outline = oval / (1 + 0.6 * ragged * np.clip(spikes + 0.2, 0, None))
    mask = outline < 1

    tissue = _tissue(n, size, subjects, seed)
    speckle = _speckle(stream(TASK, seed, "speckle"), (n, size, size))
    uneven = smooth_noise(stream(TASK, seed, "texture"), (n, size, size), 1.3, 2)
    core = np.clip(0.24 + 0.16 * ragged * uneven, 0.03, 0.4)
    bmode = np.clip(np.where(mask, core, tissue) * (0.55 + 0.45 * speckle), 0, 1)

    grey = 0.55 * np.where(oval < 1, 0.2, tissue) * (0.55 + 0.45 * _speckle(rng, (n, size, size)))
    doppler = np.repeat(np.clip(grey, 0, 1)[:, None], 3, axis=1)
    vessels = smooth_noise(stream(TASK, seed, "vessels"), (n, size, size), 1.6, 2)
    away = smooth_noise(stream(TASK, seed, "direction"), (n, size, size), 3.0, 2) > 0
    elsewhere = (vessels > 2.1) & (oval > 1.4)
    share = 0.03 + 0.5 * ndtr(drawn.shown[:, 1])
    for i in range(n):
        within = np.where(oval[i] < 1, vessels[i], -np.inf)
        flow = (within > np.quantile(within[oval[i] < 1], 1 - share[i])) | elsewhere[i]
        speed = np.clip(0.65 + 0.2 * vessels[i], 0.5, 1)[flow]
        # Towards the probe is red to yellow, away from it blue to cyan.
        tint = np.where(away[i][flow], [[0.05], [0.45], [1.0]], [[1.0], [0.45], [0.05]])
        tint[1] *= speed
        doppler[i][:, flow] = tint * speed
    return bmode[:, None].astype(np.float32), doppler.astype(np.float32), mask


def _tissue(n: int, size: int, subjects: Codes, seed: int) -> Floats:
    """Bright bands of fat and gland that run across, with a brightness of the subject's own, (n, size, size)."""
    y, _ = plane(size)
    rng = stream(TASK, seed, "tissue")
    gain = uniform(rng, n, 0.8, 1.2)[subjects]
    bend = smooth_noise(rng, (n, size, size), size / 8, 2)
    bands = 0.5 + 0.13 * np.sin(7 * y + 0.9 * bend + uniform(rng, n, 0, 6)) + 0.06 * bend
    return gain * bands


def _speckle(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Rayleigh speckle with mean 1: the magnitude of a smoothed complex field."""
    field = np.hypot(smooth_noise(rng, shape, 0.6, 2), smooth_noise(rng, shape, 0.6, 2))
    return field / field.mean()
