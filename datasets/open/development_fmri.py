"""Development fMRI: children and adults watch the same film; nilearn fetches it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..card import TaskCard
from ..errors import DataError
from ..fetch.cohort import fetched
from ..fetch.verify import verify
from ..samples import Modality, Samples
from ..task import Task
from .abide import correlation

card = TaskCard(
    name="development-fmri",
    title="Child or adult, watching a film (development fMRI)",
    description=(
        "Functional MRI of 122 children of 3 to 12 years and 33 adults during the same film, as signals of the 39 "
        "regions of the MSDL atlas and their correlation, with sex and handedness. Fetched on request."
    ),
    origin="OpenNeuro ds000228, preprocessed and downsampled by the nilearn team (fetch_development_fmri)",
    licence="unrestricted for non-commercial research",
    citation=(
        "Richardson, Lisandrelli, Riobueno-Naylor, Saxe (2018). Development of the social brain from age three to "
        "twelve years. Nature Communications 9, 1027. Varoquaux et al. (2011). Multi-subject dictionary learning to "
        "segment an atlas of brain spontaneous activity. IPMI."
    ),
    url="https://openneuro.org/datasets/ds000228",
    caveats=(
        "Not a disease: it stands in for one.",
        "Children move more, and movement changes correlation: the motion given by nilearn is regressed out.",
        "Not for commercial use. No digest is published: counts and shapes alone tell an altered copy.",
    ),
)

_REGIONS, _VOLUMES, _SECONDS = 39, 168, 2.0
_COUNTS = (122, 33)
_SEX = ("F", "M")
_HANDS = ("L", "R", "A")


def bring(folder: Path) -> None:
    """Fetch images and atlas with nilearn, and keep the regions' signals, shape (n, 39, 168), float32.

    Each subject is cleaned alone (confounds regressed out, 0.01 to 0.1 Hz, standardised), so that nothing is learnt
    across subjects.
    """
    from nilearn import datasets
    from nilearn.maskers import NiftiMapsMasker

    data = datasets.fetch_development_fmri(data_dir=folder / "nilearn", verbose=1)
    atlas = datasets.fetch_atlas_msdl(data_dir=folder / "nilearn", verbose=1)
    masker = NiftiMapsMasker(
        atlas.maps,
        standardize="zscore_sample",
        detrend=True,
        low_pass=0.1,
        high_pass=0.01,
        t_r=_SECONDS,
        resampling_target="data",
    )
    signals = []
    for image, confounds in zip(data.func, data.confounds, strict=True):
        signal = masker.fit_transform(image, confounds=confounds)
        verify(Path(image), {"volumes and regions": (signal.shape, (_VOLUMES, _REGIONS))})
        signals.append(signal.T.astype(np.float32))
    table = data.phenotypic
    np.savez(
        folder / "signals.npz",
        signals=np.stack(signals),
        ids=table["participant_id"].to_numpy().astype(str),
        group=table["Child_Adult"].to_numpy().astype(str),
        sex=table["Gender"].to_numpy().astype(str),
        hand=table["Handedness"].to_numpy().astype(str),
    )


def load() -> Task:
    """155 people; signal (39, 168) at 2 s, connectivity (39, 39), phenotype (sex, hand); child (122) and adult (33).

    Raises
    ------
    DataError: not fetched, or not what was published.
    """
    path = fetched(card.name) / "signals.npz"
    try:
        with np.load(path) as file:
            column = {name: file[name] for name in ("signals", "ids", "group", "sex", "hand")}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: incomplete ({error}); remove the folder and fetch it again") from error
    signals, group = column["signals"], column["group"]
    verify(
        path,
        {
            "children, adults": (tuple(int((group == name).sum()) for name in ("child", "adult")), _COUNTS),
            "regions, volumes": (signals.shape[1:], (_REGIONS, _VOLUMES)),
        },
    )
    phenotype = np.column_stack([_codes(column["sex"], _SEX), _codes(column["hand"], _HANDS)])
    modalities = [
        Modality("signal", "signal", signals),
        Modality("connectivity", "connectivity", np.stack([correlation(signal.T) for signal in signals])),
        Modality(
            "phenotype",
            "phenotype",
            phenotype,
            features=("sex", "hand"),
            categories={"sex": ("female", "male"), "hand": ("left", "right", "both")},
        ),
    ]
    y = (group == "adult").astype(np.int64)
    return Task(Samples(modalities, ids=column["ids"]), y, ("child", "adult"), card)


def _codes(column: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Codes into ``names`` by first letter; NaN where it is none of them."""
    return np.array([names.index(v[:1]) if v[:1] in names else np.nan for v in column], dtype=float)
