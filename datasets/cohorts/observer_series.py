"""What an observer measures in the other simulated cohorts, row by row, from the arrays alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..samples import Samples
from .anatomy import anatomy
from .fetal import FACTS

Floats = npt.NDArray[np.float64]


def fetal_trace(samples: Samples) -> Floats:
    """Beat-to-beat variability, spread, and depth of the decelerations, (n, 3)."""
    rate = samples.modality("signal").values[:, 0].astype(np.float64)
    depth = np.median(rate, axis=1) - np.quantile(rate, 0.03, axis=1)
    return np.column_stack([np.diff(rate, axis=1).std(axis=1), rate.std(axis=1), depth])


def fetal_words(samples: Samples) -> Floats:
    """Whether each word is in the text, (n, 6)."""
    rows = [set(str(text).split()) for text in samples.modality("text").values]
    return np.array([[word in words for word, _, _ in FACTS] for words in rows], dtype=np.float64)


def interview_alpha(samples: Samples) -> Floats:
    """Left less right frontal alpha, (n, 1)."""
    alpha = samples.modality("bands").values[:, :6, 2].astype(np.float64)
    return alpha[:, ::2].mean(axis=1, keepdims=True) - alpha[:, 1::2].mean(axis=1, keepdims=True)


def interview_voice(samples: Samples) -> Floats:
    """Share of pauses, and spread of the pitch between them, (n, 2)."""
    pitch = samples.modality("speech").values[:, 0].astype(np.float64)
    spread = [np.std(row[row > 50]) / np.mean(row[row > 50]) for row in pitch]
    return np.column_stack([(pitch < 50).mean(axis=1), spread])


def connectome_function(samples: Samples) -> Floats:
    """Fisher's z of the correlation between each pair of regions, (n, pairs)."""
    return np.arctanh(_upper(samples, "functional"))


def connectome_tracts(samples: Samples) -> Floats:
    """Tract strengths, (n, pairs)."""
    return _upper(samples, "structural")


def connectome_shapes(samples: Samples) -> Floats:
    """Morphometry, (n, 3 regions)."""
    return samples.modality("morphometry").values.reshape(len(samples), -1)


def connectome_phenotype(samples: Samples) -> Floats:
    """Site and age, which shift what is read of tracts and morphometry, (n, sites + 1)."""
    return np.column_stack([_sites(samples), _age(samples)])


def brain_t1(samples: Samples) -> Floats:
    """Age, site, and T1 over mean white matter wherever the template's temporal lobes are, (n, 1 + sites + voxels)."""
    return _voxels(samples, "t1")


def brain_pet(samples: Samples) -> Floats:
    """Age, site, and PET over mean white matter wherever the template's parietal lobes are, (n, 1 + sites + voxels)."""
    return _voxels(samples, "pet")


def brain_tables(samples: Samples) -> Floats:
    """Columns of CSF and of the clinic, on the logarithm where they are concentrations or seconds, and age, (n, 7)."""
    csf, clinical = (samples.modality(name).values for name in ("csf", "clinical"))
    return np.column_stack([np.log(csf), clinical[:, :2], np.log(clinical[:, 2]), _age(samples)])


def _sites(samples: Samples) -> Floats:
    """Which site a subject is from, a column for each, (n, sites)."""
    phenotype = samples.modality("phenotype")
    codes = phenotype.values[:, phenotype.features.index("site")].astype(np.int64)
    return np.eye(len(phenotype.categories["site"]))[codes]


def _age(samples: Samples) -> Floats:
    phenotype = samples.modality("phenotype")
    return phenotype.values[:, phenotype.features.index("age")]


def _upper(samples: Samples, name: str) -> Floats:
    """Each pair of regions once, (n, pairs)."""
    matrices = samples.modality(name).values
    return matrices[:, *np.triu_indices(matrices.shape[1], 1)]


def _voxels(samples: Samples, name: str) -> Floats:
    from scipy.ndimage import binary_dilation

    volumes = samples.modality(name).values[:, 0]
    template = anatomy(volumes.shape[-1])
    region = binary_dilation((template.atrophy if name == "t1" else template.hypometabolism) > 0)
    white = volumes[:, template.white > 0.6].mean(axis=1, dtype=np.float64)
    return np.column_stack([_age(samples), _sites(samples), volumes[:, region] / white[:, None]])
