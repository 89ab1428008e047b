"""Where each open cohort is published, and what tells a true copy.

Digests stand here only where they are published or were recomputed from the data: MedMNIST's MD5 from its own
``info.py`` (version 3.0.2, records/10519652); Cleveland's SHA-256 recomputed, and in use by several projects; that of
``SPECTF.train`` recomputed from the 80 rows in the form that gives the one published in UCIData.jl, from which
dermatology's comes too. The others are checked by counts and shapes when they are loaded.
"""

from __future__ import annotations

from .cohort import Cohort, RemoteFile

_UCI = "https://archive.ics.uci.edu"
_MIXOMICS = "d732983ad52fdd7fb2496a7ca8ac1bec501a63ab"  # a commit: branches move
_CURE = 'pip install "fusebench[cohorts]"'

_MEDMNIST = {
    "pathmnist": ("a8b06965200029087d5bd730944a56c1", "up to 252 MB"),
    "dermamnist": ("0744692d530f8e62ec473284d019b0c7", "up to 24 MB"),
    "octmnist": ("c68d92d5b585d8d81f7112f81e2d0842", "up to 86 MB"),
    "pneumoniamnist": ("28209eda62fecd6e6a2d98b1501bb15f", "up to 5 MB"),
    "retinamnist": ("bd4c0672f1bba3e3a89f0e4e876791e4", "up to 4 MB"),
    "breastmnist": ("750601b1f35ba3300ea97c75c52ff8f6", "up to 1 MB"),
    "bloodmnist": ("7053d0359d879ad8a5505303e11de1dc", "up to 41 MB"),
    "tissuemnist": ("ebe78ee8b05294063de985d821c1c34b", "up to 186 MB"),
    "organamnist": ("68e3f8846a6bd62f0c9bf841c0d9eacc", "up to 47 MB"),
    "organcmnist": ("b9ceb9546e10131b32923c5bbeaea2b1", "up to 19 MB"),
    "organsmnist": ("9ab87b696fb54e2a387ebe992d6ed5f1", "up to 20 MB"),
    "organmnist3d": ("a0c5a1ff56af4f155c46d46fbb45a2fe", "up to 39 MB"),
    "nodulemnist3d": ("8755a7e9e05a4d9ce80a24c3e7a256f3", "up to 36 MB"),
    "adrenalmnist3d": ("bbd3c5a5576322bc4cdfea780653b1ce", "up to 35 MB"),
    "fracturemnist3d": ("6aa7b0143a6b42da40027a9dda61302f", "up to 31 MB"),
    "vesselmnist3d": ("b41fd4f7e7e2feedddb201585ecafa1b", "up to 42 MB"),
    "synapsemnist3d": ("1235b78a3cd6280881dd7850a78eadb6", "up to 39 MB"),
}
"""MD5 and the size before compression: images times pixels times channels, of one byte each."""


def _medmnist(name: str, md5: str, size: str) -> Cohort:
    file = f"{name}.npz"
    records = ("records/10519652", "record/6496656")  # versions 3 and 2: the files of 28 pixels are the same
    return Cohort(
        name,
        size,
        (RemoteFile(file, tuple(f"https://zenodo.org/{r}/files/{file}?download=1" for r in records), md5=md5),),
    )


def _uci(number: int, archive: str, folder: str, name: str, sha256: str = "") -> RemoteFile:
    """A file of the UCI repository: from its folder, or else out of its archive."""
    urls = (
        f"{_UCI}/ml/machine-learning-databases/{folder}/{name}",
        f"{_UCI}/static/public/{number}/{archive}.zip#{name}",
    )
    return RemoteFile(name, urls, sha256)


_ALL = (
    *(_medmnist(name, *known) for name, known in _MEDMNIST.items()),
    Cohort(
        "multiple-features",
        "a few MB, six files",
        tuple(
            _uci(72, "multiple+features", "mfeat", f"mfeat-{view}")
            for view in ("fou", "fac", "kar", "pix", "zer", "mor")
        ),
    ),
    Cohort(
        "heart-disease",
        "18 kB",
        (
            _uci(
                45,
                "heart+disease",
                "heart-disease",
                "processed.cleveland.data",
                "a74b7efa387bc9d108d7d0115d831fe9b414b29ae7124f331b622b4efa0427c8",
            ),
        ),
    ),
    Cohort(
        "spectf",
        "36 kB",
        (
            _uci(
                96,
                "spectf+heart",
                "spect",
                "SPECTF.train",
                "9c837e4fd4b7931d9be5304989e39f284f35f767518ffd4dfd42a6a519a9f30c",
            ),
            _uci(96, "spectf+heart", "spect", "SPECTF.test"),
        ),
    ),
    Cohort(
        "dermatology",
        "about 26 kB",
        (
            _uci(
                33,
                "dermatology",
                "dermatology",
                "dermatology.data",
                "455eba77f72cd087ce54a5a266c514c5f34e85000c8689ad09e796d68ad45742",
            ),
        ),
    ),
    Cohort(
        "tcga-breast",
        "below 1 MB, or 9 MB from CRAN",
        (
            RemoteFile(
                "breast.TCGA.rda",
                (
                    f"https://raw.githubusercontent.com/mixOmicsTeam/mixOmics/{_MIXOMICS}/data/breast.TCGA.rda",
                    "https://cran.r-project.org/src/contrib/Archive/mixOmics/mixOmics_6.3.2.tar.gz"
                    "#mixOmics/data/breast.TCGA.rda",
                ),
            ),
        ),
        needs=("rdata", _CURE),
    ),
    Cohort("abide", "large: 1,035 text files", through="nilearn", needs=("nilearn", _CURE)),
    Cohort("oasis-vbm", "large: 806 volumes in one archive", through="nilearn", needs=("nilearn", _CURE)),
    Cohort("development-fmri", "large: 155 films of volumes", through="nilearn", needs=("nilearn", _CURE)),
)

COHORTS = {cohort.name: cohort for cohort in _ALL}
"""Every open cohort by its task's name."""
