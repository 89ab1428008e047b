"""Wisconsin diagnostic breast-cancer data as its three real feature sets: mean, standard error and worst."""

from __future__ import annotations

import numpy as np

from .card import Published, TaskCard
from .samples import Modality, Samples
from .task import Task

card = TaskCard(
    name="breast-cancer",
    title="Wisconsin diagnostic breast cancer, three feature sets",
    description=(
        "Ten measures of cell nuclei in a digitised fine-needle aspirate of a breast mass, each as the mean over the "
        "nuclei of an image, its standard error, and the mean of the three largest values (worst). 569 patients."
    ),
    origin="University of Wisconsin, through scikit-learn, which ships the file",
    licence="CC BY 4.0",
    citation=(
        "Wolberg, Mangasarian, Street, Street (1993). Breast Cancer Wisconsin (Diagnostic). UCI Machine Learning "
        "Repository, doi:10.24432/C5DW2B. Street, Wolberg, Mangasarian (1993). Nuclear feature extraction for breast "
        "tumor diagnosis. Proc. SPIE 1905, doi:10.1117/12.148698."
    ),
    url="https://archive.ics.uci.edu/dataset/17",
    disease="breast cancer",
    published=(
        Published(
            "one separating plane over worst area, worst smoothness, mean texture; repeated 10-fold cross-validation",
            "accuracy",
            0.975,
            "the data's own documentation (wdbc.names)",
        ),
    ),
    caveats=("The three feature sets come from one image of one sample: they are views, not separate examinations.",),
)

_SETS = {"mean": "mean ", "standard_error": " error", "worst": "worst "}


def load() -> Task:
    """569 patients, three tables of 10 columns, classes benign (357) and malignant (212)."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = [str(name) for name in data.feature_names]
    tables = []
    for modality, mark in _SETS.items():
        columns = [j for j, name in enumerate(names) if mark in name]
        features = tuple(names[j].replace(mark, "").strip() for j in columns)
        tables.append(Modality(modality, "table", data.data[:, columns], features=features))
    malignant = list(data.target_names).index("malignant")
    return Task(Samples(tables), (np.asarray(data.target) == malignant).astype(np.int64), ("benign", "malignant"), card)
