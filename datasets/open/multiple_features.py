"""UCI Multiple Features: handwritten digits as six tables, the classic of multiple-kernel and multi-view learning."""

from __future__ import annotations

import numpy as np

from ..card import Published, TaskCard
from ..fetch.cohort import fetched
from ..fetch.verify import read_table, verify
from ..samples import Modality, Samples
from ..task import Task

card = TaskCard(
    name="multiple-features",
    title="Multiple Features, six views of digits",
    description=(
        "2,000 handwritten numerals from Dutch utility maps, 200 of each, as six sets of features: Fourier "
        "coefficients, profile correlations, Karhunen-Loeve coefficients, pixel averages, Zernike moments and "
        "morphology. Fetched on request."
    ),
    origin="UCI Machine Learning Repository, Multiple Features",
    licence="CC BY 4.0",
    citation="Duin (1998). Multiple Features. UCI Machine Learning Repository, doi:10.24432/C5HC70.",
    url="https://archive.ics.uci.edu/dataset/72",
    published=(
        Published(
            "TMC on its own split of 1,600 and 400",
            "accuracy",
            0.9851,
            "Han et al. (2021). Trusted multi-view classification. ICLR.",
        ),
    ),
    caveats=(
        "Not medical: it stands in for several views of one object.",
        "No digest is published: counts and ranges of values alone tell an altered copy.",
    ),
)

_PER_DIGIT = 200
_VIEWS = {
    "fourier": ("fou", 76),
    "profiles": ("fac", 216),
    "karhunen": ("kar", 64),
    "pixels": ("pix", 240),
    "zernike": ("zer", 47),
    "morphology": ("mor", 6),
}


def load() -> Task:
    """2,000 digits, tables of 76, 216, 64, 240, 47 and 6 columns; ten classes of 200, in the files' own order.

    Raises
    ------
    DataError: not fetched, or not the published files.
    """
    folder = fetched(card.name)
    modalities = []
    for name, (short, width) in _VIEWS.items():
        path = folder / f"mfeat-{short}"
        table = read_table(path, None, width)
        found: dict[str, tuple[object, object]] = {
            "digits": (len(table), 10 * _PER_DIGIT),
            "missing cells": (int(np.isnan(table).sum()), 0),
        }
        if name == "pixels" and len(table):
            # averages of 2 by 3 pixels: whole numbers from 0 to 6
            found["range of pixels"] = ([table.min(), table.max()], [0, 6])
        verify(path, found)
        modalities.append(Modality(name, "table", table))
    y = np.repeat(np.arange(10), _PER_DIGIT)  # the files hold no labels: 200 zeros, then 200 ones, and so on
    return Task(Samples(modalities), y, tuple(map(str, range(10))), card)
