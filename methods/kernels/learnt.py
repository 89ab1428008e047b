"""What the methods with learnt weights share: one mix for all classes or one a class, and what has no answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..space import Choice, Real, SearchSpace
from ..vectors import Codes
from .base_kernel import Floats
from .taught import TaughtSVM

Classes = Literal["shared", "each"]


@dataclass(kw_only=True, eq=False, repr=False)
class LearntSVM(TaughtSVM):
    """SVM on a weighted sum of kernels; a subclass gives ``_learnt``.

    Parameters
    ----------
    classes: "shared" for one mix, "each" for one mix a class where there are more than two. A class that the rows for
        weights lack takes the mean of the others' weights.
    others: see ``TaughtSVM``.
    """

    classes: Classes = "shared"

    @classmethod
    def search_space(cls) -> SearchSpace:
        """Penalty and the set of kernels."""
        return {"C": Real(0.1, 100.0, log=True), "kernels": Choice(("few", "three", "ladder"))}

    def _weights(self, stack: Floats, codes: Codes) -> Floats:
        if self.classes not in ("shared", "each"):
            raise ValueError(f"classes {self.classes!r}: use 'shared' or 'each'")
        p, k = len(stack), len(self.classes_)
        seen, codes = np.unique(codes, return_inverse=True)
        each = self.classes == "each" and k > 2
        live = np.einsum("mii->m", stack) > 1e-9 * stack.shape[1]
        if len(seen) == 1 or not live.any():
            return np.full((k, p) if each else p, 1.0 / p)
        found = self._learnt(stack if live.all() else stack[live], codes, each)
        total = found.sum(axis=-1, keepdims=True)
        # Nothing to tell the kernels apart by: no kernel has anything to say on the labels.
        found = np.where(total > 0, found, 1.0) / np.where(total > 0, total, live.sum())
        if not each:
            weights = np.zeros(p)
            weights[live] = found
            return weights
        own = np.zeros((k, p))
        own[:, live] = found.mean(axis=0)
        # With two of many classes left there is one problem, and one mix, for both.
        own[np.ix_(seen, np.flatnonzero(live))] = found
        return own

    def _learnt(self, stack: Floats, codes: Codes, each: bool) -> Floats:
        """Non-negative weights of kernels that vary, (p,), or (1 or k, p) if ``each``; their scale does not matter.

        ``codes`` (r,) are 0..k-1, all of them, k > 1.
        """
        raise NotImplementedError
