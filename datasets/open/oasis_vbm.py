"""OASIS: grey and white matter of the ageing brain beside demographics; nilearn fetches it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..card import TaskCard
from ..errors import DataError
from ..fetch.cohort import fetched, own_mirror
from ..fetch.verify import verify
from ..samples import Modality, Samples
from ..task import Task

card = TaskCard(
    name="oasis-vbm",
    title="Dementia, grey and white matter maps (OASIS)",
    description=(
        "Cross-sectional T1 images of the Open Access Series of Imaging Studies as DARTEL-normalised maps of grey and "
        "white matter density, with demographics; people with a clinical dementia rating, none against any dementia. "
        "Fetched on request."
    ),
    origin="OASIS-1, maps by the nilearn team, through nilearn (fetch_oasis_vbm)",
    licence="OASIS data use agreement: https://sites.wustl.edu/oasisbrains/",
    citation=(
        "Marcus et al. (2007). Open access series of imaging studies: cross-sectional MRI data in young, middle aged, "
        "nondemented, and demented older adults. Journal of Cognitive Neuroscience 19, 1498-1507."
    ),
    url="https://sites.wustl.edu/oasisbrains/",
    disease="dementia",
    caveats=(
        "Young subjects were not rated and are left out: everyone here is older.",
        "The maps were normalised to a template made of all subjects, test rows too, before they were published.",
        "The mini-mental state (MMSE) is left out: it is close to how the rating is made.",
        "No digest is published: counts and shapes alone tell an altered copy.",
    ),
)

_SUBJECTS = 403
_BLOCK = 2  # voxels of the published maps, along each axis, in one of ours
_PHENOTYPE = ("age", "sex", "education", "etiv")
_RATINGS = (0.0, 0.5, 1.0, 2.0)
_MAPS = {"grey": "gray_matter_maps", "white": "white_matter_maps"}


def bring(folder: Path) -> None:
    """Fetch the maps with nilearn, and keep means over blocks of 2 by 2 by 2 voxels, (n, 1, x, y, z), float32."""
    from nilearn import datasets

    data = datasets.fetch_oasis_vbm(
        data_dir=folder / "nilearn",
        url=own_mirror(card.name),
        verbose=1,
    )
    table = data.ext_vars
    counts = {name: len(data[key]) for name, key in _MAPS.items()} | {"rows of the table": len(table)}
    verify(folder / "nilearn", {what: (count, _SUBJECTS) for what, count in counts.items()})
    for name, key in _MAPS.items():
        _shrink(data[key], folder / f"{name}.npy")
    np.savez(
        folder / "phenotype.npz",
        ids=table["id"].to_numpy().astype(str),
        cdr=table["cdr"].to_numpy(dtype=float),
        age=table["age"].to_numpy(dtype=float),
        sex=np.array([{"M": 0.0, "F": 1.0}.get(str(s).strip(), np.nan) for s in table["mf"]]),
        education=table["educ"].to_numpy(dtype=float),
        etiv=table["etiv"].to_numpy(dtype=float),
    )


def load() -> Task:
    """The rated subjects; volumes (1, x, y, z) of grey and white matter, phenotype; healthy (CDR 0) and dementia.

    Raises
    ------
    DataError: not fetched, or not what was published.
    """
    folder = fetched(card.name)
    try:
        maps = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _MAPS}
        with np.load(folder / "phenotype.npz") as file:
            column = {name: file[name] for name in ("ids", "cdr", *_PHENOTYPE)}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder}: incomplete ({error}); remove the folder and fetch it again") from error
    rated = ~np.isnan(column["cdr"])
    strange = sorted(set(column["cdr"][rated].tolist()) - set(_RATINGS))
    verify(
        folder,
        {
            **{f"maps of {name} matter": (len(array), _SUBJECTS) for name, array in maps.items()},
            "subjects": (len(rated), _SUBJECTS),
            "dementia ratings that do not exist": (strange, []),
        },
    )
    rows = np.flatnonzero(rated)
    modalities = [Modality(name, "volume", array).take(rows) for name, array in maps.items()]  # stay on disk
    phenotype = np.column_stack([column[name][rows] for name in _PHENOTYPE])
    modalities.append(
        Modality("phenotype", "phenotype", phenotype, features=_PHENOTYPE, categories={"sex": ("male", "female")})
    )
    y = (column["cdr"][rows] > 0).astype(np.int64)
    return Task(Samples(modalities, ids=column["ids"][rows]), y, ("healthy", "dementia"), card)


def _shrink(paths: list[str], out: Path) -> None:
    """Write block means of all maps into one array file, one map in memory at a time."""
    from nibabel import Nifti1Image

    shape = Nifti1Image.from_filename(paths[0]).shape
    verify(Path(paths[0]), {"dimensions of a map": (len(shape), 3)})
    size = tuple(n // _BLOCK for n in shape)
    array = np.lib.format.open_memmap(out, mode="w+", dtype=np.float32, shape=(len(paths), 1, *size))
    for i, path in enumerate(paths):
        image = Nifti1Image.from_filename(path)
        verify(Path(path), {"shape of the map": (image.shape, shape)})
        values = np.asarray(image.dataobj, dtype=np.float32)[tuple(slice(n * _BLOCK) for n in size)]
        blocks = values.reshape(size[0], _BLOCK, size[1], _BLOCK, size[2], _BLOCK)
        array[i, 0] = blocks.mean(axis=(1, 3, 5))
    array.flush()
