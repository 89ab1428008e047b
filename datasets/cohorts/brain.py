"""Brain cohort: T1 and FDG-PET volumes on real anatomy, CSF, clinical scores and phenotype, from a latent severity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..card import TaskCard
from ..errors import DataError
from ..planted.options import check_between, check_choice, check_positive, check_rows, check_whole
from ..samples import Modality, Samples
from ..splits import CrossValidation, LeaveOneSiteOut, Protocol, derived_seed
from ..task import Task
from .anatomy import Anatomy, Warps, anatomy, warped
from .diagnoses import diagnosis_posterior, diagnosis_scores, ordered_diagnoses, severity_given
from .phenotype import phenotype

card = TaskCard(
    name="brain-cohort",
    title="Simulated: dementia, T1 with FDG-PET, CSF and clinic",
    description=(
        "Brains on the anatomy of the MNI152 templates, each with a smooth warp of its own, from scanners that differ "
        "between sites. A latent severity decides the diagnosis (NC, MCI, AD) and shows as loss of temporal grey "
        "matter in T1, as lower parietal uptake in PET, and in CSF markers, clinical scores and age."
    ),
    origin="generated on the MNI152 2009a symmetric template inside nilearn",
    licence="Apache-2.0; the template: Copyright (C) 1993-2004 Louis Collins, McConnell Brain Imaging Centre, MNI",
    citation="Fonov et al. (2011). Unbiased average age-appropriate atlases for pediatric studies. NeuroImage 54.",
    disease="Alzheimer's disease (simulated)",
    planted=True,
    caveats=(
        "The best scores are bounds: those of a rule that reads the burden of every modality without error. Warps, "
        "scanners and noise keep every rule that sees the volumes below them.",
        "The template is the same for all, so that subjects differ less than real brains do.",
        "At the default settings the best accuracy lies between 0.772, which an observer of the arrays alone attains, "
        "and 0.783.",
    ),
)

CLASSES = ("NC", "MCI", "AD")
MODALITIES = ("t1", "pet", "csf", "clinical")
PROTOCOLS = ("folds", "sites")

# Brightness of grey matter, white matter and fluid.
T1 = (0.55, 0.85, 0.15)
PET = (1.0, 0.35, 0.05)
_BLUR_MM = 5.0  # resolution of the PET scanner, as a standard deviation
_MEAN_BURDENS = 3.0  # how many burdens of one the average subject has lost: healthy ageing too
_AGE, _AGE_SD, _AGE_CORRELATION = 73.0, 7.0, 0.3
_AGEING = 0.002  # share of all grey matter that is lost in a year
_COLUMN_SD = 0.5

Floats = npt.NDArray[np.float64]


def load(
    n: int = 240,
    side: int = 24,
    diagnoses: int = 3,
    sites: int = 4,
    scatter: Sequence[float] = (0.6, 0.6, 0.7, 0.9),
    overlap: float = 0.2,
    atrophy: float = 0.15,
    hypometabolism: float = 0.1,
    warp: float = 2.0,
    gain: float = 0.05,
    noise: float = 0.03,
    misregistration: int = 0,
    missing: float = 0.0,
    protocol: str = "folds",
    seed: int = 0,
) -> Task:
    """Severity s is N(0, 1); the diagnosis says between which quantiles of s + overlap N(0, 1) a subject lies.

    Modality m shows the burden b_m = s + scatter_m N(0, 1), and age is a fifth with a correlation of 0.3 with s. In T1
    the share atrophy (3 + b) of grey matter, at most 1, gives way to fluid, times the weight of the region; in PET its
    uptake is lower by the share hypometabolism (3 + b), before the scanner blurs it. Columns of CSF and of the clinic
    are functions of b + noise that sums to zero over a row's columns.

    Diagnoses depend on the modalities through s alone, and modalities on s through the burdens. Given the burdens s is
    Gaussian, so that the scores of the posterior given all burdens are one integral: they bound what any rule can
    reach from the modalities, and ``bayes`` holds them. The columns of the tables give their burdens without error;
    what a rule loses, it loses in reading the volumes: less than 0.04 of accuracy for one that knows where to look and
    the scanners, with 1,000 subjects to learn from.

    Parameters
    ----------
    n: subjects, equally many of each diagnosis.
    side: voxels along each axis of a field of 192 mm, from 16 to 64.
    diagnoses: 3 for NC, MCI and AD; 2 for NC and AD.
    sites: scanners; they have nothing to do with the diagnosis.
    scatter: how far the burdens of t1, pet, csf and clinical lie from the severity.
    overlap: how far the diagnosis does.
    atrophy, hypometabolism: shares lost to a burden of one, from 0 to 0.15.
    warp: standard deviation of the displacement of anatomy between subjects, in mm; small, as after registration.
    gain: spread of ln(gain) of the sites' T1 and PET scanners.
    noise: standard deviation in every voxel, where white matter in T1 is 0.85; it differs by a quarter between sites.
    misregistration: PET is moved by whole voxels, uniform from minus this to this along each axis.
    missing: share of subjects without PET, and independently without CSF.
    protocol: "folds" for cross-validation, "sites" to leave one site out at a time.
    seed: everything that is drawn.

    Returns
    -------
    The task, with volumes ``t1`` and ``pet`` (n, 1, side, side, side), float32, axes to the right, front and up, tables
    ``csf`` and ``clinical``, and ``phenotype`` (site, sex, age). In ``truth``:

    ``severity`` (n,); ``burdens`` (n, 5) of t1, pet, csf, clinical and age; ``posterior`` (n, C), given the burdens
    that the subject shows; ``atrophy`` and ``hypometabolism`` (n, side, side, side), True where grey matter of the
    warped subject is lost, and where uptake is lower before the blur and the shift; ``shift`` (n, 3) of PET in voxels;
    ``gain`` (n, 2) of T1 and PET.

    Raises
    ------
    DataError: fewer than 20 subjects or ten a site, values out of range, nilearn is not installed.
    """
    widths = _check(n, side, diagnoses, sites, scatter, misregistration, seed)
    check_between(card.name, "overlap", overlap, 0)
    check_between(card.name, "atrophy", atrophy, 0, 0.15)
    check_between(card.name, "hypometabolism", hypometabolism, 0, 0.15)
    check_between(card.name, "warp", warp, 0, 10)
    check_between(card.name, "gain", gain, 0, 1)
    check_between(card.name, "noise", noise, 0)
    check_between(card.name, "missing", missing, 0, 0.5)
    check_choice(card.name, "protocol", protocol, PROTOCOLS)
    template = anatomy(side)

    y, severity = ordered_diagnoses(n, diagnoses, overlap, _rng(seed, "severity"))
    burdens = severity[:, None] + widths * _rng(seed, "burdens").normal(size=(n, len(widths)))
    age = _AGE + _AGE_SD * _AGE_CORRELATION * burdens[:, -1]
    site = _rng(seed, "sites").permutation(np.arange(n) % sites)
    gains = np.exp(gain * _rng(seed, "gains").normal(size=(sites, 2)))[site]
    sigma = noise * _rng(seed, "noise levels").uniform(0.75, 1.25, size=sites)[site]
    shift = _rng(seed, "shifts").integers(-misregistration, misregistration + 1, size=(n, 3))

    lost = np.minimum(atrophy * (_MEAN_BURDENS + burdens[:, 0]), 1)
    lower = np.minimum(hypometabolism * (_MEAN_BURDENS + burdens[:, 1]), 1)
    volumes, masks = _scans(template, Warps(side, warp), lost, lower, age, shift, seed)
    for m in (0, 1):
        scanner = _rng(seed, "voxels", m)
        for volume, g, sd in zip(volumes[m], gains[:, m], sigma, strict=True):
            volume += np.float32(sd) * scanner.standard_normal(volume.shape, dtype=np.float32)
            volume *= np.float32(g)

    present = {name: _present(n, missing, seed, name) for name in ("pet", "csf")}
    csf, clinical = _tables(burdens[:, 2], burdens[:, 3], _rng(seed, "columns"))
    names = tuple(f"site {s + 1}" for s in range(sites))
    sex = _rng(seed, "sexes").integers(0, 2, size=n)
    samples = Samples(
        [
            Modality("t1", "volume", volumes[0][:, None]),
            Modality("pet", "volume", volumes[1][:, None], present["pet"]),
            Modality("csf", "table", csf, present["csf"], features=("abeta42", "tau", "ptau")),
            Modality("clinical", "table", clinical, features=("memory", "executive", "trails_seconds")),
            phenotype(site, sex, age, names),
        ],
        sites=np.array(names)[site],
    )
    precisions = np.repeat(1 / np.square(widths)[None], n, axis=0)
    precisions[:, 1] *= present["pet"]
    precisions[:, 2] *= present["csf"]
    truth = {
        "severity": severity,
        "burdens": burdens,
        "posterior": diagnosis_posterior(*severity_given(burdens, precisions), diagnoses, overlap),
        "atrophy": masks[0],
        "hypometabolism": masks[1],
        "shift": shift,
        "gain": gains,
    }
    split: Protocol = LeaveOneSiteOut() if protocol == "sites" else CrossValidation()
    classes = CLASSES if diagnoses == 3 else (CLASSES[0], CLASSES[-1])
    bayes = bayes_scores(scatter, diagnoses, overlap, missing)
    return Task(samples, y, classes, card, split, bayes=bayes, truth=truth)


def bayes_scores(scatter: Sequence[float], diagnoses: int, overlap: float, missing: float = 0.0) -> dict[str, float]:
    """What the posterior given all burdens scores, with PET and CSF each missing in that share of subjects."""
    t1, pet, csf, clinical, age = 1 / np.square(_widths(scatter))
    seen = [(has_pet, has_csf) for has_pet in (True, False) for has_csf in (True, False)]
    precisions = [t1 + clinical + age + has_pet * pet + has_csf * csf for has_pet, has_csf in seen]
    shares = [_share(has_pet, missing) * _share(has_csf, missing) for has_pet, has_csf in seen]
    return diagnosis_scores(precisions, shares, diagnoses, overlap)


def _check(n: int, side: int, diagnoses: int, sites: int, scatter: Sequence[float], shift: int, seed: int) -> Floats:
    check_rows(card.name, n, seed)
    check_whole(card.name, "side", side, 16, 64)
    check_whole(card.name, "diagnoses", diagnoses, 2, 3)
    check_whole(card.name, "sites", sites, 2)
    check_whole(card.name, "misregistration", shift, 0, side // 8)
    if n < 10 * sites:
        raise DataError(f"task {card.name!r}: n is {n} for {sites} sites; give at least ten rows for each")
    if isinstance(scatter, str) or np.shape(scatter) != (len(MODALITIES),):
        raise DataError(f"task {card.name!r}: scatter is {scatter!r}; give one for each of {', '.join(MODALITIES)}")
    for name, value in zip(MODALITIES, scatter, strict=True):
        check_positive(card.name, f"scatter of {name}", value)
    return _widths(scatter)


def _widths(scatter: Sequence[float]) -> Floats:
    """How far each burden lies from the severity, age last."""
    return np.array([*scatter, np.sqrt(1 - _AGE_CORRELATION**2) / _AGE_CORRELATION])


def _scans(
    template: Anatomy, warps: Warps, lost: Floats, lower: Floats, age: Floats, shift: np.ndarray, seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """T1 and PET before the scanner, and where grey matter is lost and uptake lower, each (2, n, side, side, side)."""
    from scipy.ndimage import gaussian_filter

    shape = (2, len(lost), *template.grey.shape)
    scans, masks = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
    rng = _rng(seed, "warps")
    for i in range(len(lost)):
        grey, white, fluid, shrinks, fades = warped(template.maps, warps.draw(rng))
        gone = grey * (lost[i] * shrinks + _AGEING * (age[i] - _AGE))
        scans[0, i] = T1[0] * (grey - gone) + T1[1] * white + T1[2] * (fluid + gone)
        uptake = PET[0] * grey * (1 - lower[i] * fades) + PET[1] * white + PET[2] * fluid
        scans[1, i] = _moved(gaussian_filter(uptake, _BLUR_MM / template.millimetres), shift[i])
        masks[0, i], masks[1, i] = grey * shrinks > 0, grey * fades > 0
    return scans, masks


def _tables(csf: Floats, clinical: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Columns of CSF (pg/ml) and of the clinic (two composite z scores, seconds), (n, 3), of those burdens (n,)."""
    noise = rng.normal(size=(2, len(csf), 3))
    noise = _COLUMN_SD * (noise - noise.mean(axis=2, keepdims=True))
    markers, scores = csf[:, None] + noise[0], clinical[:, None] + noise[1]
    return (
        np.array([850, 260, 24]) * np.exp(np.array([-0.3, 0.3, 0.35]) * markers),
        np.column_stack([-scores[:, 0], -scores[:, 1], 110 * np.exp(0.3 * scores[:, 2])]),
    )


def _moved(volume: npt.NDArray[np.float32], shift: np.ndarray) -> npt.NDArray[np.float32]:
    """The volume moved by whole voxels; what leaves on one side does not come back on the other."""
    moved = np.zeros_like(volume)
    to = tuple(slice(max(s, 0), min(side + s, side)) for s, side in zip(shift, volume.shape, strict=True))
    moved[to] = volume[tuple(slice(t.start - s, t.stop - s) for t, s in zip(to, shift, strict=True))]
    return moved


def _present(n: int, missing: float, seed: int, name: str) -> npt.NDArray[np.bool_]:
    return _rng(seed, "missing", name).permutation(n) >= round(missing * n)


def _share(has: bool, missing: float) -> float:
    return 1 - missing if has else missing


def _rng(seed: int, *what: object) -> np.random.Generator:
    return np.random.default_rng(derived_seed(card.name, seed, *what))
