"""An expert's evidence: what its probabilities add to the class frequencies, and drawing them towards these."""

from __future__ import annotations

import numpy as np

from ..temperature import CLIP, posterior
from ..vectors import Codes, Floats


def evidence(proba: Floats, prior: Floats) -> Floats:
    """log p(c) - log pi(c), shape (..., C): what an expert adds to the prior; 0 where it is NaN (says nothing).

    ``prior`` must broadcast against ``proba``; both are clipped at ``CLIP``.
    """
    ratio = np.log(np.maximum(proba, CLIP)) - np.log(np.maximum(prior, CLIP))
    return np.where(np.isnan(proba), 0.0, ratio)


def tempered(proba: Floats, prior: Floats, temperature: float, seen: Codes | slice = slice(None)) -> Floats:
    """Probabilities (n, C) proportional to pi(c) (p(c) / pi(c))^(1/T): pi when T is large.

    NaN stays NaN, and temperature 1 changes nothing; nor does any for classes outside ``seen``, which share the rest.
    """
    if temperature == 1.0:
        return proba
    drawn = np.array(proba)
    drawn[:, seen] = posterior(evidence(proba[:, seen], prior[seen]) / temperature, prior[seen]) * prior[seen].sum()
    return np.where(np.isnan(proba), np.nan, drawn)
