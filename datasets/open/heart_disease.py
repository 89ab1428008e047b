"""Heart disease, Cleveland: what a cardiologist knows before the angiogram, in the order in which it is asked for."""

from __future__ import annotations

import numpy as np

from ..card import TaskCard
from ..fetch.cohort import fetched
from ..fetch.verify import codes, counts_of, read_table, verify
from ..samples import Modality, Samples
from ..splits import CrossValidation
from ..task import Task

card = TaskCard(
    name="heart-disease",
    title="Heart disease, Cleveland",
    description=(
        "303 patients referred for coronary angiography, with history, blood and pressure, resting ECG, exercise test "
        "and imaging; disease means a vessel narrowed by more than half. Fetched on request."
    ),
    origin="UCI Machine Learning Repository, Heart Disease, processed.cleveland.data",
    licence="CC BY 4.0",
    citation=(
        "Janosi, Steinbrunn, Pfisterer, Detrano (1989). Heart Disease. UCI Machine Learning Repository, "
        "doi:10.24432/C52P4X. Detrano et al. (1989). International application of a new probability algorithm for the "
        "diagnosis of coronary artery disease. American Journal of Cardiology 64, 304-310."
    ),
    url="https://archive.ics.uci.edu/dataset/45",
    disease="coronary artery disease",
    caveats=(
        "Everyone was referred for an angiogram: half have the disease, far more than outside such a clinic.",
        "Six cells of imaging are missing.",
    ),
)

_COLUMNS = (
    "age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal",
    "num",
)  # fmt: skip
_MODALITIES = {
    "history": ("age", "sex", "cp"),
    "blood": ("trestbps", "chol", "fbs"),
    "ecg": ("restecg",),
    "exercise": ("thalach", "exang", "oldpeak", "slope"),
    "imaging": ("ca", "thal"),
}
_CATEGORIES: dict[str, dict[float, str]] = {
    "cp": {1: "typical angina", 2: "atypical angina", 3: "other pain", 4: "no pain"},
    "restecg": {0: "normal", 1: "ST-T abnormality", 2: "left ventricular hypertrophy"},
    "slope": {1: "rising", 2: "flat", 3: "falling"},
    "thal": {3: "normal", 6: "fixed defect", 7: "reversible defect"},
}


def load() -> Task:
    """303 patients in five tables of 3, 3, 1, 4 and 2 columns; healthy (164) and disease (139); 10 folds, as customary.

    Raises
    ------
    DataError: not fetched, or not the published file.
    """
    path = fetched(card.name) / "processed.cleveland.data"
    table = read_table(path, ",", len(_COLUMNS))
    column = dict(zip(_COLUMNS, table.T, strict=True))
    verify(
        path,
        {
            "patients": (len(table), 303),
            "patients by diagnosis 0 to 4": (counts_of(column["num"]), [164, 55, 36, 35, 13]),
            "missing cells of ca and thal": (np.isnan(table[:, [11, 12]]).sum(axis=0).tolist(), [4, 2]),
            "missing cells": (int(np.isnan(table).sum()), 6),
        },
    )
    for name, values in _CATEGORIES.items():
        column[name] = codes(column[name], values, path, name)
    modalities = [
        Modality(
            modality,
            "table",
            np.column_stack([column[name] for name in names]),
            features=names,
            categories={name: tuple(_CATEGORIES[name].values()) for name in names if name in _CATEGORIES},
        )
        for modality, names in _MODALITIES.items()
    ]
    return Task(
        Samples(modalities), (column["num"] > 0).astype(np.int64), ("healthy", "disease"), card, CrossValidation(10)
    )
