"""Decision curves: what acting on a probability is worth at each threshold (Vickers and Elkin 2006)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

THRESHOLDS: Floats = np.linspace(0.02, 0.98, 49)


def net_benefit(positive: npt.NDArray[np.bool_], risk: Floats, thresholds: Floats = THRESHOLDS) -> Floats:
    """True positives less false positives at the odds of each threshold, a row: (T,).

    Who acts from a risk of t on holds one missed case worth (1 - t) / t needless treatments.
    """
    acted = risk[None] >= thresholds[:, None]
    hits, alarms = (acted & positive).mean(axis=1), (acted & ~positive).mean(axis=1)
    return hits - alarms * thresholds / (1 - thresholds)


def treat_all(positive: npt.NDArray[np.bool_], thresholds: Floats = THRESHOLDS) -> Floats:
    """The net benefit of acting on everybody: (T,). Acting on nobody is worth 0."""
    share = positive.mean()
    return share - (1 - share) * thresholds / (1 - thresholds)
