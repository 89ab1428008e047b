"""SPECTF heart: tracer counts in 22 regions of the heart at rest and under stress, with the official split."""

from __future__ import annotations

import numpy as np

from ..card import Published, TaskCard
from ..fetch.cohort import fetched
from ..fetch.verify import counts_of, read_table, verify
from ..samples import Modality, Samples
from ..splits import OfficialSplit
from ..task import Task

card = TaskCard(
    name="spectf",
    title="Cardiac perfusion, SPECT at rest and under stress",
    description=(
        "267 patients; counts in 22 regions of the left ventricle in single-photon emission tomography, at rest and "
        "under stress. Fetched on request."
    ),
    origin="UCI Machine Learning Repository, SPECTF Heart",
    licence="CC BY 4.0",
    citation=(
        "Cios, Kurgan, Goodenday (2001). SPECTF Heart. UCI Machine Learning Repository, doi:10.24432/C5N015. Kurgan et "
        "al. (2001). Knowledge discovery approach to automated cardiac SPECT diagnosis. Artificial Intelligence in "
        "Medicine 23, 149-169."
    ),
    url="https://archive.ics.uci.edu/dataset/96",
    disease="coronary artery disease",
    published=(Published("CLIP3, official split", "accuracy", 0.77, "the data's own documentation (SPECTF.names)"),),
    caveats=(
        "The official test set is small and imbalanced (15 normal, 172 abnormal), the training set balanced.",
        "Of SPECTF.test no digest is published: counts and the range of values alone tell an altered copy.",
    ),
)

_REGIONS = 22
_PARTS = {"SPECTF.train": [40, 40], "SPECTF.test": [15, 172]}


def load() -> Task:
    """80 training and 187 test patients, two tables of 22 columns; normal (55) and abnormal (212).

    Raises
    ------
    DataError: not fetched, or not the published files.
    """
    folder = fetched(card.name)
    parts = {}
    for name, published in _PARTS.items():
        part = read_table(folder / name, ",", 1 + 2 * _REGIONS)
        verify(
            folder / name,
            {
                "patients": (len(part), sum(published)),
                "normal and abnormal": (counts_of(part[:, 0]), published),
                "counts outside 0 to 100": (int((~((part >= 0) & (part <= 100))).sum()), 0),
            },
        )
        parts[name] = part
    table = np.concatenate(list(parts.values()))
    # F1R, F1S, F2R, F2S, ...: rest and stress alternate
    modalities = [
        Modality(kind, "table", table[:, 1 + first :: 2], features=tuple(f"F{i}" for i in range(1, _REGIONS + 1)))
        for first, kind in enumerate(("rest", "stress"))
    ]
    test = np.arange(len(table)) >= sum(_PARTS["SPECTF.train"])
    return Task(Samples(modalities), table[:, 0].astype(np.int64), ("normal", "abnormal"), card, OfficialSplit(test))
