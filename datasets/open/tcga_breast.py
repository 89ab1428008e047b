"""TCGA breast cancer as the R package mixOmics ships it: three omics, of which one was not measured in the test rows.

The original is a file of R data (a list of matrices and factors). It is read with the package rdata, which is pure
Python under the MIT licence and takes any R object; pyreadr reads data frames alone, and this is none.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from ..card import TaskCard
from ..errors import DataError
from ..fetch.cohort import fetched
from ..fetch.verify import verify
from ..samples import Modality, Samples
from ..splits import OfficialSplit
from ..task import Task

card = TaskCard(
    name="tcga-breast",
    title="Breast-cancer subtypes, three omics",
    description=(
        "150 training and 70 test tumours of subtypes Basal, Her2 and Luminal A: expression of 200 messenger RNAs and "
        "184 micro RNAs, and abundance of 142 proteins. Fetched on request."
    ),
    origin="The Cancer Genome Atlas, as distributed with the R package mixOmics (breast.TCGA)",
    licence="R package GPL (>= 2); data TCGA open tier",
    citation=(
        "Cancer Genome Atlas Network (2012). Comprehensive molecular portraits of human breast tumours. Nature 490, "
        "61-70. Singh et al. (2019). DIABLO: an integrative approach for identifying key molecular drivers from "
        "multi-omics assays. Bioinformatics 35, 3055-3062."
    ),
    url="https://github.com/mixOmicsTeam/mixOmics",
    disease="breast cancer",
    caveats=(
        "Protein is absent in every test row.",
        "The features were chosen beforehand by the authors; how, the file does not say.",
        "No digest of the file is published: the values themselves are compared, by a digest recomputed from them.",
    ),
)

_CLASSES = ("Basal", "Her2", "LumA")
_WIDTHS = {"mrna": 200, "mirna": 184, "protein": 142}
_PARTS = {"train": ("mrna", "mirna", "protein"), "test": ("mrna", "mirna")}
_COUNTS = {"train": [45, 30, 75], "test": [21, 14, 35]}
_VALUES = "d3b625b2f7a61defa90fffea909f2d00c327905c29f29a57eea12bd343d4b2a6"
"""SHA-256 of every value as little-endian float64, part by part as in ``_PARTS``, then the subtypes, a line each."""


def load() -> Task:
    """220 tumours, tables of 200, 184 and 142 columns (the last absent in test rows), the official split.

    Raises
    ------
    DataError: not fetched, not what was published, or the package rdata is not installed.
    """
    path = fetched(card.name) / "breast.TCGA.rda"
    parts = {part: dict(_read(path)[f"data.{part}"]) for part in _PARTS}
    subtype = {part: np.asarray(parts[part]["subtype"]).astype(str) for part in parts}
    shapes = {(part, name): parts[part][name].shape for part, names in _PARTS.items() for name in names}
    rows = {part: sum(_COUNTS[part]) for part in _PARTS}
    verify(
        path,
        {
            "shapes": (shapes, {(part, name): (rows[part], _WIDTHS[name]) for part, name in shapes}),
            "subtypes": (
                {part: [int((s == name).sum()) for name in _CLASSES] for part, s in subtype.items()},
                _COUNTS,
            ),
            "digest of the values": (_digest(parts, subtype), _VALUES),
        },
    )
    test = np.repeat([False, True], list(rows.values()))
    modalities = []
    for name, width in _WIDTHS.items():
        array = np.full((len(test), width), np.nan)
        for part, names in _PARTS.items():
            if name in names:
                array[test == (part == "test")] = np.asarray(parts[part][name])
        present = ~test if name not in _PARTS["test"] else np.ones(len(test), dtype=bool)
        modalities.append(Modality(name, "table", array, present=present, features=_labels(parts["train"][name], 1)))
    y = np.array([_CLASSES.index(label) for part in _PARTS for label in subtype[part]])
    ids = [label for part in _PARTS for label in _labels(parts[part]["mrna"], 0)]
    return Task(Samples(modalities, ids=np.array(ids)), y, _CLASSES, card, OfficialSplit(test))


def _read(path: Path) -> Any:
    try:
        import rdata
    except ImportError as error:
        raise DataError(
            f"task {card.name!r} is a file of R data; to read it: pip install 'fusebench[cohorts]'"
        ) from error
    try:
        return rdata.read_rda(path)["breast.TCGA"]
    except Exception as error:  # whatever a parser says of bytes that are no R data
        raise DataError(f"{path} is no file of R data that holds breast.TCGA ({error}); fetch it again") from error


def _digest(parts: dict[str, dict[str, Any]], subtype: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for part, names in _PARTS.items():
        for name in names:
            digest.update(np.ascontiguousarray(np.asarray(parts[part][name]), dtype="<f8").tobytes())
    digest.update("\n".join(label for part in _PARTS for label in subtype[part]).encode())
    return digest.hexdigest()


def _labels(matrix: Any, axis: int) -> tuple[str, ...]:
    """The row or column names of an R matrix."""
    return tuple(map(str, matrix.coords[matrix.dims[axis]].values))
