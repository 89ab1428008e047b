"""The phenotype that cohorts of subjects from several sites share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..samples import Modality

SEXES = ("female", "male")


def phenotype(
    site: npt.NDArray[np.int64], sex: npt.NDArray[np.int64], age: npt.NDArray[np.float64], sites: Sequence[str]
) -> Modality:
    """Site and sex as codes and age in years, each (n,), as a modality of three columns."""
    return Modality(
        "phenotype",
        "phenotype",
        np.column_stack([site, sex, age]),
        features=("site", "sex", "age"),
        categories={"site": tuple(sites), "sex": SEXES},
    )
