"""Anatomy for simulated brains: tissue of the MNI152 templates on a coarse grid, regions of disease, smooth warps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError

Volume = npt.NDArray[np.float32]

FIELD_MM = 192.0
"""Side of the cubic field of view; it holds the template's brain with a margin of 6 mm at its front and back."""
CENTRE_MM = (0.0, -17.0, 5.0)
"""Middle of the field of view in MNI coordinates: to the right, to the front, up."""

# Centre (MNI, mm), radius (mm) and weight. Medial and lateral temporal lobes shrink, more so on the left, after the
# usual picture of Alzheimer's disease (Frisoni et al. 2010, Nature Reviews Neurology 6, 67-77).
ATROPHY = (
    ((-26, -18, -18), 20.0, 1.0),
    ((26, -18, -18), 20.0, 0.7),
    ((-54, -24, -14), 20.0, 0.8),
    ((54, -24, -14), 20.0, 0.5),
)
# Posterior cingulate, precuneus and temporoparietal cortex take up less (Herholz 1995, Alzheimer Dis Assoc Disord 9).
HYPOMETABOLISM = (
    ((0, -54, 32), 22.0, 1.0),
    ((-46, -56, 38), 20.0, 0.9),
    ((46, -56, 38), 20.0, 0.7),
)

_CONTROL_POINTS = 4


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Shares of tissue and weights of disease in every voxel, each (side, side, side), from 0 to 1.

    Axes run to the right, to the front and up, as those of the template. ``millimetres`` is the side of a voxel.
    """

    grey: Volume
    white: Volume
    fluid: Volume
    atrophy: Volume
    hypometabolism: Volume
    millimetres: float

    @property
    def maps(self) -> tuple[Volume, ...]:
        """All maps, in the order of the fields."""
        return self.grey, self.white, self.fluid, self.atrophy, self.hypometabolism


@lru_cache(maxsize=2)
def anatomy(side: int) -> Anatomy:
    """The MNI152 2009a symmetric template (Fonov et al. 2011, NeuroImage 54, 313-327), which nilearn brings along.

    Raises
    ------
    DataError: nilearn is not installed.
    """
    try:
        from nilearn.datasets import load_mni152_brain_mask, load_mni152_gm_template, load_mni152_wm_template
    except ImportError as error:
        raise DataError(
            "the brain templates come with nilearn, which is not installed; "
            "install it with: pip install 'fusebench[cohorts]'"
        ) from error
    grey, white, brain = (
        _coarse(image, side)
        for image in (
            load_mni152_gm_template(resolution=1),
            load_mni152_wm_template(resolution=1),
            load_mni152_brain_mask(resolution=1),
        )
    )
    fluid = np.clip(brain - grey - white, 0, 1)
    shrinks, fades = regional_weight(side, ATROPHY), regional_weight(side, HYPOMETABOLISM)
    return Anatomy(grey, white, fluid, shrinks, fades, millimetres=FIELD_MM / side)


def regional_weight(side: int, balls: Sequence[tuple[Sequence[float], float, float]]) -> Volume:
    """The largest weight of the balls (centre, radius, weight) in every voxel; an edge one voxel wide falls to 0."""
    voxel = FIELD_MM / side
    axes = [middle + (np.arange(side) - (side - 1) / 2) * voxel for middle in CENTRE_MM]
    weight = np.zeros((side,) * 3)
    for centre, radius, most in balls:
        away = np.sqrt(sum(np.ix_(*[(axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)])))
        weight = np.maximum(weight, most * np.clip((radius - away) / voxel + 0.5, 0, 1))
    return weight.astype(np.float32)


class Warps:
    """Random smooth deformations: a head size, and a displacement that a cubic spline of few points carries.

    Parameters
    ----------
    side: voxels along each axis.
    millimetres: standard deviation of the displacement along each axis, the same in every voxel; the head size has a
        standard deviation of one per cent for each millimetre.
    """

    def __init__(self, side: int, millimetres: float) -> None:
        from scipy.ndimage import zoom

        self._voxels = millimetres * side / FIELD_MM
        self._size = millimetres / 100
        spline = zoom(np.eye(_CONTROL_POINTS), (side / _CONTROL_POINTS, 1), order=3)
        # Rows of unit length, so that the displacement varies as much at control points as between them.
        self._spline = spline / np.linalg.norm(spline, axis=1, keepdims=True)
        self._grid = np.stack(np.meshgrid(*[np.arange(side, dtype=float)] * 3, indexing="ij"))
        self._middle = (side - 1) / 2

    def draw(self, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Where in the template each voxel of a new subject takes its tissue from, (3, side, side, side), in voxels."""
        points = rng.normal(size=(3, *(_CONTROL_POINTS,) * 3))
        moved = np.einsum("xa,yb,zc,dabc->dxyz", *[self._spline] * 3, points, optimize=True)
        size = np.exp(self._size * rng.normal())
        return self._middle + size * (self._grid - self._middle) + self._voxels * moved


def warped(volumes: Sequence[Volume], where: npt.NDArray[np.float64]) -> list[Volume]:
    """The volumes at those places, linear between voxels and 0 outside."""
    from scipy.ndimage import map_coordinates

    return [map_coordinates(volume, where, order=1, output=np.float32) for volume in volumes]


def _coarse(image: Any, side: int) -> Volume:
    """Means over about a voxel of ours, at the middle of each."""
    from scipy.ndimage import affine_transform, uniform_filter

    voxel = FIELD_MM / side
    fine = uniform_filter(np.asarray(image.dataobj, dtype=np.float32), size=2 * int(voxel / 2) + 1)
    first = np.subtract(CENTRE_MM, voxel * (side - 1) / 2) - image.affine[:3, 3]
    return affine_transform(fine, np.full(3, voxel), first, output_shape=(side,) * 3, order=1, output=np.float32)
