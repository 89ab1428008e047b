"""Dermatology: what the eye sees on the skin, and what the microscope sees in the biopsy of the same patient."""

from __future__ import annotations

import numpy as np

from ..card import TaskCard
from ..fetch.cohort import fetched
from ..fetch.verify import counts_of, read_table, verify
from ..samples import Modality, Samples
from ..task import Task

card = TaskCard(
    name="dermatology",
    title="Erythemato-squamous diseases, clinic and biopsy",
    description=(
        "366 patients with one of six diseases that look alike: 11 clinical findings with the age, and 22 findings of "
        "the biopsy under the microscope, most graded 0 to 3. Fetched on request."
    ),
    origin="UCI Machine Learning Repository, Dermatology",
    licence="CC BY 4.0",
    citation=(
        "Ilter, Guvenir (1998). Dermatology. UCI Machine Learning Repository, doi:10.24432/C5FK5P. Guvenir, Demiroz, "
        "Ilter (1998). Learning differential diagnosis of erythemato-squamous diseases using voting feature intervals. "
        "Artificial Intelligence in Medicine 13, 147-165."
    ),
    url="https://archive.ics.uci.edu/dataset/33",
    disease="erythemato-squamous diseases",
    caveats=("The age of eight patients is missing.", "The smallest class has 20 patients."),
)

_CLINICAL = (
    "erythema", "scaling", "definite_borders", "itching", "koebner_phenomenon", "polygonal_papules",
    "follicular_papules", "oral_mucosa", "knee_and_elbow", "scalp", "family_history",
)  # fmt: skip
_BIOPSY = (
    "melanin_incontinence", "eosinophils", "neutrophils", "papillary_fibrosis", "exocytosis", "acanthosis",
    "hyperkeratosis", "parakeratosis", "clubbed_ridges", "elongated_ridges", "thinned_epidermis",
    "spongiform_pustule", "munro_microabscess", "hypergranulosis", "granular_layer_loss", "basal_vacuolisation",
    "spongiosis", "saw_tooth_retes", "follicular_plug", "perifollicular_parakeratosis", "mononuclear_infiltrate",
    "band_like_infiltrate",
)  # fmt: skip
_CLASSES = (
    "psoriasis", "seborrhoeic dermatitis", "lichen planus", "pityriasis rosea", "chronic dermatitis",
    "pityriasis rubra pilaris",
)  # fmt: skip
_COUNTS = [112, 61, 72, 49, 52, 20]


def load() -> Task:
    """366 patients, tables of 12 (clinic, with age) and 22 columns (biopsy); six classes of 20 to 112.

    Raises
    ------
    DataError: not fetched, or not the published file.
    """
    path = fetched(card.name) / "dermatology.data"
    table = read_table(path, ",", len(_CLINICAL) + len(_BIOPSY) + 2)
    findings, age, label = table[:, :-2], table[:, -2], table[:, -1]
    verify(
        path,
        {
            "patients": (len(table), 366),
            "patients by disease": (counts_of(label), _COUNTS),
            "ages that are missing": (int(np.isnan(age).sum()), 8),
            "findings outside 0 to 3": (int((~np.isin(findings, (0, 1, 2, 3))).sum()), 0),
        },
    )
    clinical = np.column_stack([findings[:, : len(_CLINICAL)], age])
    modalities = [
        Modality("clinic", "table", clinical, features=(*_CLINICAL, "age")),
        Modality("biopsy", "table", findings[:, len(_CLINICAL) :], features=_BIOPSY),
    ]
    return Task(Samples(modalities), label.astype(np.int64) - 1, _CLASSES, card)
