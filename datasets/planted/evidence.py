"""What the planted tasks are drawn from: balanced labels, and Gaussian evidence for a bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..samples import Modality
from ..splits import derived_seed
from .forms import arranged, check_forms, direction


def balanced_labels(task: str, n: int, seed: int) -> npt.NDArray[np.int64]:
    """Labels 0 and 1, half of the n rows each, in an order that depends on task and seed."""
    return np.random.default_rng(derived_seed(task, seed, "labels")).permutation(np.arange(n) % 2)


def gaussian_evidence(
    task: str,
    bits: npt.NDArray[np.int64],
    widths: Sequence[int],
    strengths: Sequence[float],
    seed: int,
    form: str | Sequence[str] = "table",
) -> tuple[list[Modality], npt.NDArray[np.float64]]:
    """Modalities that each show one bit, and the log-odds of each bit given its modality.

    Row i of modality m is drawn from N((bits[i, m] - 1/2) d_m u_m, I) with a unit direction u_m that depends on the
    seed alone; its log-odds are d_m u_m . x.

    Parameters
    ----------
    bits: shape (n, M), 0 or 1.
    widths, strengths: columns and distance d_m between the two means, for each of the M modalities; where d_m is 0 the
        modality is noise.
    form: of all modalities, or of each; the width is then that along every axis, see ``forms.direction``.
    """
    forms = check_forms(task, form, widths)
    directions = np.random.default_rng(derived_seed(task, seed, "directions"))
    noise = np.random.default_rng(derived_seed(task, seed, "noise"))
    modalities, odds = [], []
    for m, (kind, width, strength) in enumerate(zip(forms, widths, strengths, strict=True)):
        u = direction(kind, width, directions)
        x = noise.normal(size=(len(bits), len(u))) + np.outer(bits[:, m] - 0.5, strength * u)
        modalities.append(Modality(f"m{m + 1}", kind, arranged(kind, width, x)))
        odds.append(strength * (x @ u))
    return modalities, np.column_stack(odds)
