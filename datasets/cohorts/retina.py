"""A simulated cohort of eyes: fundus picture, OCT volume and clinical table; glaucoma in two or three grades."""

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
    name="retina-cohort",
    title="Simulated: fundus, OCT and clinical table",
    description=(
        "A colour picture of the optic disc, a volume of the retina's layers around it, and a small clinical table. A "
        "latent severity shows as a wide cup in the picture, as a thin nerve-fibre layer in the volume, and in what is "
        "measured of both, each with a set correlation, and decides the grade, which is noted wrongly at a set rate."
    ),
    origin="generated",
    licence="Apache-2.0",
    disease="glaucoma",
    planted=True,
    caveats=(
        "Eyes are drawn, not photographed; the table's cup and layer are measured apart from the pictures.",
        "The best score is for pictures that are read without error, so that it is an upper bound.",
        "At the default settings the best accuracy lies between 0.689, which an observer of the arrays alone attains, "
        "and 0.698.",
    ),
)

TASK = "retina-cohort"
MODALITIES = ("fundus", "oct", "clinical")
GRADES = {2: ("normal", "glaucoma"), 3: ("normal", "early", "advanced")}
COLUMNS = ("cup_size", "layer_thickness", "age", "pressure")


def load(
    n: int = 200,
    size: int = 40,
    depth: int = 20,
    grades: int = 3,
    strengths: Sequence[float] = (0.75, 0.75, 0.6),
    disagreement: float = 0.1,
    seed: int = 0,
) -> Task:
    """Severity z is N(0, 1); what each modality shows of it is normal with correlation r_m.

    The fundus picture shows which part of the disc is cup; the volume how thin the bright uppermost layer is. In the
    table, larger discs have larger cups and more nerve fibres: cup size and layer thickness are both raised by a size
    of disc that no other modality shows and that has no part in the disease, so that only their difference tells what
    the table shows. Age and pressure tell nothing. The grade cuts z plus noise into equally frequent classes; the
    noise is such that the grade disagrees with that of z itself at the set rate.

    Parameters
    ----------
    n: eyes (rows), each of a subject of its own.
    size: pixels of the fundus picture along each axis.
    depth: voxels of the volume along each axis.
    grades: 3 (normal, early, advanced) or 2 (normal, glaucoma).
    strengths: correlation r_m with severity of what fundus, volume and table show, from 0 to 0.99.
    disagreement: of the grade noted with that of the severity itself, from 0 to 0.4.
    seed: all random numbers.

    Returns
    -------
    The task: ``fundus`` (n, 3, size, size, red, green, blue), ``oct`` (n, 1, depth, depth, depth, the first of these
    down into the retina), both float32 in [0, 1], and ``clinical`` (n, 4: mm2, micrometres, years, mmHg). In
    ``truth``: ``severity`` and ``clean`` grade (n,), ``shown`` (n, 3), ``posterior`` (n, grades), or P(glaucoma), (n,),
    for two; ``mask`` (n, size, size), the cup, outside of which severity changes no pixel of the fundus picture.
    ``bayes`` is an upper bound, the score of reading what each modality shows without error; the table can be.

    Raises
    ------
    DataError: fewer than 20 rows, numbers out of range.
    """
    check_rows(TASK, n, seed)
    check_whole(TASK, "size", size, 24, 96)
    check_whole(TASK, "depth", depth, 12, 48)
    check_whole(TASK, "grades", grades, 2, 3)
    check_between(TASK, "disagreement", disagreement, 0, MOST_DISAGREEMENT)
    overlap = overlap_at(disagreement, grades)
    rule = LatentSeverity(TASK, check_strengths(TASK, strengths, MODALITIES), overlap, grades)
    drawn = rule.draw(n, seed)
    fundus, mask = _fundus(size, drawn.shown[:, 0], seed)
    samples = Samples(
        [
            Modality("fundus", "image", fundus.astype(np.float32)),
            Modality("oct", "volume", _layers(depth, drawn.shown[:, 1], seed)[:, None].astype(np.float32)),
            Modality("clinical", "table", _table(drawn.shown[:, 2], seed), features=COLUMNS),
        ]
    )
    return Task(samples, drawn.label, GRADES[grades], card, bayes=rule.scores(), truth={**drawn.truth, "mask": mask})


def _fundus(size: int, shown: Floats, seed: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Red, green and blue of the pictures, (n, 3, size, size), and the cup, (n, size, size)."""
    from scipy.special import ndtr

    n = len(shown)
    y, x = plane(size)
    rng = stream(TASK, seed, "fundus")
    down, right = y - uniform(rng, n, -0.15, 0.15), x - uniform(rng, n, -0.15, 0.15)
    radius = uniform(rng, n, 0.42, 0.55)
    disc = np.hypot(down * 0.92, right) / radius
    cup = disc / (0.25 + 0.6 * ndtr(shown)[:, None, None])
    vessel = np.zeros((n, size, size))
    for up in (-1.0, 1.0):
        for bend, width in ((0.55, 0.05), (-0.5, 0.045), (0.15, 0.03)):
            # Arcades leave the disc upwards and downwards and bend to both sides.
            path = right - bend * np.sqrt(np.clip(up * down, 0, None)) * uniform(rng, n, 0.8, 1.2)
            path = path + 0.03 * np.sin(9 * down + uniform(rng, n, 0, 6))
            vessel = np.maximum(vessel, np.exp(-((path / width) ** 2)) * (up * down > 0))
    mottle = smooth_noise(rng, (n, size, size), size / 14, 2)
    tone = uniform(rng, n, 0.9, 1.1)
    view = inside(np.hypot(y, x) / 1.02, 0.06)
    on_disc, in_cup = inside(disc, 0.08), inside(cup, 0.1)
    noise = stream(TASK, seed, "fundus noise")
    channels = []
    for ground, of_disc, of_cup, dark in ((0.72, 0.95, 1.0, 0.25), (0.33, 0.68, 0.92, 0.22), (0.14, 0.38, 0.78, 0.08)):
        colour = ground * (1 + 0.06 * mottle) * (1 - on_disc) + of_disc * on_disc
        colour = colour * (1 - in_cup) + of_cup * in_cup - dark * vessel
        channels.append(np.clip((colour * tone + 0.02 * noise.normal(size=colour.shape)) * view, 0, 1))
    return np.stack(channels, axis=1), in_cup > 0


def _layers(depth: int, shown: Floats, seed: int) -> Floats:
    """Volumes (n, depth, depth, depth) of the retina from its surface down, with the pit of the disc in the middle."""
    n = len(shown)
    rng = stream(TASK, seed, "oct")
    y, x = plane(depth)
    pit = np.exp(-(np.hypot(y - uniform(rng, n, -0.1, 0.1), x - uniform(rng, n, -0.1, 0.1)) ** 2) / 0.08)
    tilt = uniform(rng, n, -0.05, 0.05) * x + uniform(rng, n, -0.05, 0.05) * y
    surface = 0.2 + tilt + 0.22 * pit + 0.01 * smooth_noise(rng, (n, depth, depth), 2.0, 2)
    # In parts of the depth: 0.04 to 0.22 for all but a few in ten thousand.
    fibres = np.clip(0.13 - 0.03 * shown, 0.02, 0.25)[:, None, None] * (1 - 0.8 * pit)
    floor = 0.72 + tilt + 0.02 * smooth_noise(rng, (n, depth, depth), 4.0, 2)
    z = ((np.arange(depth) + 0.5) / depth)[:, None, None]
    soft = 0.5 / depth

    def band(top: Floats, bottom: Floats) -> Floats:
        """1 between two depths, with edges of about a voxel."""
        above, below = (z - top[:, None]) / soft, (z - bottom[:, None]) / soft
        return np.clip(above / 2 + 0.5, 0, 1) * np.clip(0.5 - below / 2, 0, 1)

    volume = 0.04 + 0.75 * band(surface, surface + fibres) + 0.3 * band(surface + fibres, floor)
    volume += 0.85 * band(floor, floor + 0.08) + 0.25 * band(floor + 0.08, np.full_like(floor, 1.2))
    noise = stream(TASK, seed, "oct noise").gamma(6.0, 1 / 6.0, size=volume.shape)
    return np.clip(volume * noise, 0, 1)


def _table(shown: Floats, seed: int) -> Floats:
    """Cup size in mm2, layer thickness in micrometres, age in years and pressure in mmHg, (n, 4)."""
    rng = stream(TASK, seed, "clinical")
    disc = rng.normal(size=len(shown))
    cup = 0.9 + 0.2 * (shown + 0.7 * disc)
    layer = 85.0 - 10.0 * (shown - 0.7 * disc)
    return np.column_stack([cup, layer, rng.normal(62, 9, len(shown)), rng.normal(16, 3, len(shown))])
