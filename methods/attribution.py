"""What within a modality moved a method's predictions, as plain numbers that can be stored and drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Sizes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Attribution:
    """What within one modality moved the predictions of some rows, averaged over those that have the modality.

    Parameters
    ----------
    names: features, regions or words. sizes: mean absolute attribution of each, in the unit of what was explained.
    gradient: mean absolute attribution by position, one dimension a side; empty where positions are no grid.
    cam: mean class activation map by position; empty where there is none.
    """

    names: tuple[str, ...]
    sizes: Sizes
    gradient: Sizes
    cam: Sizes


EMPTY: Sizes = np.zeros(0, dtype=np.float32)
