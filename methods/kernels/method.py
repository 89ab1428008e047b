"""What all kernel methods share: the settings of their base kernels, of absent modalities and of the calibration."""

from __future__ import annotations

from dataclasses import dataclass

from ..base import Method
from ..calibrate import FOLDS
from .bank import Images
from .mix import Absent


@dataclass(kw_only=True, eq=False, repr=False)
class KernelMethod(Method):
    """A classifier by base kernels of all modalities, with probabilities from inner folds by subject.

    Parameters
    ----------
    kernels: a set of ``bank.KERNELS``, or one form for every modality, such as "rbf 0.5" or "linear".
    images: "flat" or "pooled" images, see ``bank.KernelBank``.
    absent: "neutral" or "drop" for rows without a modality, see ``mix.LinearMix``.
    calibration: see ``methods.calibrate.make_calibration``.
    folds: inner folds for the calibration.
    random_state: seed of the inner folds, and of rows that are drawn.
    """

    kernels: str = "three"
    images: Images = "flat"
    absent: Absent = "neutral"
    calibration: str = "platt"
    folds: int = FOLDS
    random_state: int = 0
