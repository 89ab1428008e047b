"""ABIDE: functional connectivity of people with autism and of controls, from twenty scanners; nilearn fetches it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..card import TaskCard
from ..errors import DataError
from ..fetch.cohort import fetched, own_mirror
from ..fetch.verify import verify
from ..samples import Modality, Samples
from ..task import Task

card = TaskCard(
    name="abide",
    title="Autism, functional connectivity and phenotype (ABIDE preprocessed)",
    description=(
        "Resting-state functional MRI of the Autism Brain Imaging Data Exchange, preprocessed with C-PAC: correlation "
        "of 200 regions (Craddock), with age and sex, and the site. Fetched on request."
    ),
    origin="ABIDE, Preprocessed Connectomes Project, through nilearn (fetch_abide_pcp)",
    licence="unrestricted for non-commercial research",
    citation=(
        "Di Martino et al. (2014). The autism brain imaging data exchange. Molecular Psychiatry 19, 659-667. Craddock "
        "et al. (2013). The Neuro Bureau preprocessing initiative. Frontiers in Neuroinformatics 7. Abraham et al. "
        "(2017). Deriving reproducible biomarkers from multi-site resting-state data. NeuroImage 147, 736-745."
    ),
    url="http://preprocessed-connectomes-project.org/abide/",
    disease="autism spectrum disorder",
    caveats=(
        "Sites differ in scanner, protocol and share of autism: leave one site out to see what carries over.",
        "A region without signal in some subject has correlation 0 with every other there.",
        "Not for commercial use. No digest is published: counts and shapes alone tell an altered copy.",
    ),
)

_REGIONS = 200
_SUBJECTS = {True: (403, 468), False: (505, 530)}
"""Autism and controls, with quality checked (Abraham et al. 2017) and of all with a preprocessed scan."""
_CHECKS = {
    "qc_rater_1": ("OK",),
    "qc_anat_rater_2": ("OK", "maybe"),
    "qc_func_rater_2": ("OK", "maybe"),
    "qc_anat_rater_3": ("OK",),
    "qc_func_rater_3": ("OK",),
}
_COLUMNS = ("SUB_ID", "SITE_ID", "DX_GROUP", "AGE_AT_SCAN", "SEX", *_CHECKS)
_FILES = ("connectivity.npy", "phenotype.npz")


def bring(folder: Path) -> None:
    """Fetch region signals and phenotype with nilearn, and keep the correlations, shape (n, 200, 200), float32."""
    from nilearn import datasets

    data = datasets.fetch_abide_pcp(
        data_dir=folder / "nilearn",
        derivatives=["rois_cc200"],
        quality_checked=False,
        url=own_mirror(card.name),
        verbose=1,
    )
    signals, phenotype = data.rois_cc200, data.phenotypic
    regions = {np.shape(signal)[1:] for signal in signals}
    verify(
        folder / "nilearn",
        {"regions": (regions, {(_REGIONS,)}), "subjects with signals": (len(signals), len(phenotype))},
    )
    np.save(folder / _FILES[0], np.stack([correlation(signal) for signal in signals]))
    columns: dict[str, Any] = {name: phenotype[name].to_numpy() for name in _COLUMNS}
    np.savez(folder / _FILES[1], **{k: v.astype(str) if v.dtype.kind == "O" else v for k, v in columns.items()})


def correlation(signal: np.ndarray) -> np.ndarray:
    """Pearson correlation of the columns of (time, regions), float32; 0 beside a column that never changes."""
    centred = signal - signal.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    flat = norm <= 1e-9 * np.maximum(np.linalg.norm(signal, axis=0), 1.0)
    scaled = centred / np.where(flat, np.inf, norm)
    found = np.clip(scaled.T @ scaled, -1, 1)
    np.fill_diagonal(found, 1.0)
    return found.astype(np.float32)


def load(quality_checked: bool = True) -> Task:
    """871 subjects (403 with autism), or all 1,035 (505); connectivity (200, 200), phenotype (age, sex), 20 sites.

    Parameters
    ----------
    quality_checked: only subjects whose images all three raters passed.

    Raises
    ------
    DataError: not fetched, or not what was published.
    """
    folder = fetched(card.name)
    try:
        connectivity = np.load(folder / _FILES[0], mmap_mode="r")
        with np.load(folder / _FILES[1]) as file:
            column = {name: file[name] for name in _COLUMNS}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder}: incomplete ({error}); remove the folder and fetch it again") from error
    kept = np.ones(len(connectivity), dtype=bool)
    if quality_checked:
        for name, passed in _CHECKS.items():
            kept &= np.isin(np.char.strip(column[name].astype(str)), passed)
    rows = np.flatnonzero(kept)
    group = column["DX_GROUP"][rows].astype(int)
    verify(
        folder,
        {
            "autism, controls": (tuple(int((group == code).sum()) for code in (1, 2)), _SUBJECTS[quality_checked]),
            "regions": (connectivity.shape[1:], (_REGIONS, _REGIONS)),
        },
    )
    phenotype = np.column_stack([column["AGE_AT_SCAN"][rows].astype(float), column["SEX"][rows].astype(int) - 1.0])
    modalities = [
        Modality("connectivity", "connectivity", connectivity).take(rows),  # stays on disk
        Modality("phenotype", "phenotype", phenotype, features=("age", "sex"), categories={"sex": ("male", "female")}),
    ]
    samples = Samples(modalities, ids=column["SUB_ID"][rows], sites=np.char.strip(column["SITE_ID"][rows].astype(str)))
    return Task(samples, (group == 1).astype(np.int64), ("control", "autism"), card)
